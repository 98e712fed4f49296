"""Where a connection leads to on a server: which database, of which server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from outbox.connections.connection import ProducerConnection
from outbox.errors import ConnectionLost, WrongDatabase
from outbox.statements import Catalog
from outbox.statements.dialect import readable_text


class Place(NamedTuple):
    """A database, and what tells its server from every other one."""

    name: str | None
    server: str | None

    def __str__(self) -> str:
        return f"database {self.name!r} of server {self.server}"


class PlaceOnServer:
    """Where the outbox's own connections lead to; follows them to a server that took over."""

    def __init__(
        self,
        catalog: Catalog,
        own: Callable[[], AbstractContextManager[ProducerConnection]],
        qualified: Callable[[str | None], Catalog],
        *,
        has_schema: bool,
    ) -> None:
        """Read where the outbox is. With ``has_schema`` its statements name their tables in full already."""
        self._plain = catalog
        self._own = own
        self._qualified = qualified
        with own() as connection:
            self._expected = self._place(connection)
            self.qualifier = None if has_schema else self._qualifier(connection)
            self._born = self._birth(connection)

    def qualifier_for(self, connection: ProducerConnection) -> str | None:
        """Return what stands in front of the tables' names; raises `WrongDatabase`."""
        found = self._place(connection)
        if not self._is_here(found):
            reached = self._own_has_moved()
            if not self._is_here(found) and not self._same_tables(connection, found, reached=reached):
                raise WrongDatabase(connection.kind, str(found), str(self._expected))
        return self.qualifier

    def _own_has_moved(self) -> bool:
        """Look where the outbox's own connections lead to now, as after a restart; tell whether one was made.

        In a failover the caller's connection may be at the new primary before any of the outbox's own is:
        an order that could be written must not wait for those.
        """
        try:
            self._look_again()
        except ConnectionLost:
            return False
        return True

    def _look_again(self) -> None:
        try:
            self._expected = self._own_place()
        except ConnectionLost:
            # The restart has cut the outbox's own connections as well; the next one is new.
            self._expected = self._own_place()

    def _own_place(self) -> Place:
        with self._own() as own:
            return self._place(own)

    def _is_here(self, found: Place) -> bool:
        expected = self._expected
        # A connection without a database of its own can only mean the one that is written to.
        names = (expected.name, None) if self._plain.dialect.databases_are_schemas else (expected.name,)
        return found.name in names and found.server == expected.server

    def _same_tables(self, connection: ProducerConnection, found: Place, *, reached: bool) -> bool:
        """Tell whether another server has these very tables.

        The nodes of a cluster of MySQL's family do. A PostgreSQL server with the same tables may be a copy
        that was restored elsewhere; it counts as the one that took over only while the outbox's own is away.
        """
        clusters = self._plain.dialect.databases_are_schemas
        names = {self._expected.name, None} if clusters else {self._expected.name}
        if found.name not in names or (reached and not clusters):
            return False
        return self._born is not None and self._birth(connection) == self._born

    def _birth(self, connection: ProducerConnection) -> str | None:
        try:
            rows = connection.query(self._qualified(self.qualifier)["birth"], {}).values()
        except Exception:  # no such tables, or the user may not look: it is not known to be the same
            return None
        return readable_text(rows[0]) if rows else None

    def _place(self, connection: ProducerConnection) -> Place:
        [row] = connection.query(self._plain["place"], {}).named()
        return Place(readable_text(row.database_name), readable_text(row.server_identity))

    def _qualifier(self, connection: ProducerConnection) -> str | None:
        rows = connection.query(self._plain["place_of_tables"], {}).values()
        return readable_text(rows[0]) if rows else None
