"""Refuse a connection that leads elsewhere: compared once for each connection, not for each message."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from outbox.connections.connection import ProducerConnection
from outbox.enqueue.seen_connections import SeenConnections
from outbox.errors import ConnectionLost, OutboxError, WrongDatabase
from outbox.statements import Catalog
from outbox.statements.tables import Naming, QualifiedNaming

MAIN = "main"  # what SQLite calls the file that a connection was opened with

Read = Callable[[], AbstractContextManager[ProducerConnection]]


class Place(NamedTuple):
    """Where a connection leads: a database of a server, or a file as the operating system knows it."""

    name: str | None
    server: object
    born: str | None = None

    def __str__(self) -> str:
        if isinstance(self.server, tuple):
            return f"the file {self.name or '(in memory)'} (inode {self.server[1]})"
        return f"database {self.name!r} of server {self.server}"


class RightPlace:
    """Tells whether a connection leads to the outbox's own database, and to which names of its tables.

    What it found is remembered for as long as the connection lives: the common case costs a look into a
    dictionary. Thread-safe.
    """

    def __init__(self, catalog: Catalog, naming: Naming, own: Read) -> None:
        """Read where the outbox itself is; ``own`` lends a connection of its own, adapted."""
        self._plain = catalog
        self._naming = naming
        self._own = own
        self._seen = SeenConnections()
        self._catalogs: dict[str, Catalog] = {}
        with own() as connection:
            self._expected = self._place(connection)
            self._qualifier = self._own_qualifier(connection)
            self._born = self._birth(connection)

    def catalog(self, connection: ProducerConnection) -> Catalog:
        """Return the statements to write with; raises `WrongDatabase` for a connection that leads elsewhere.

        Sends one statement on a connection that it has not seen yet; the driver's errors pass through.
        """
        raw = connection.driver_connection()
        known = self._seen.get(raw)
        if known is None and connection.backend == "sqlite":
            name = self._attached(connection)
            known = self._qualified(name)
            if name != MAIN:
                return known  # for now: it may be detached, and another file be attached by its name
        elif known is None:
            known = self._look(connection)
        else:
            return known
        self._seen.add(raw, known)
        return known

    def own_catalog(self) -> Catalog:
        """Return the statements that name the outbox's own tables wherever a session's path leads to."""
        return self._qualified(self._qualifier)

    def trust(self, connection: ProducerConnection) -> None:
        """Take a connection of the outbox's own for one that leads to the right place."""
        raw = connection.driver_connection()
        if self._seen.get(raw) is None:
            self._seen.add(raw, self._qualified(self._qualifier))

    def _look(self, connection: ProducerConnection) -> Catalog:
        found = self._place(connection)
        if not self._is_here(found):
            reached = self._own_has_moved()
            if not self._is_here(found) and not self._same_tables(connection, found, reached=reached):
                raise WrongDatabase(connection.kind, str(found), str(self._expected))
        return self._qualified(self._qualifier)

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
        if connection.backend == "sqlite":
            return None
        try:
            rows = connection.execute(self._qualified(self._qualifier)["birth"], {})
        except (
            Exception
        ):  # there are no such tables, or the user may not look: it is not known to be the same
            return None
        return as_text(rows[0][0]) if rows else None

    def _place(self, connection: ProducerConnection) -> Place:
        rows = connection.execute(self._plain["place"], {})
        if connection.backend == "sqlite":
            return next((file_place(as_text(row[1])) for row in rows if as_text(row[0]) == MAIN), NOWHERE)
        name, server = rows[0]
        return Place(as_text(name), as_text(server))

    def _own_qualifier(self, connection: ProducerConnection) -> str | None:
        if self._naming.schema is not None:
            return None  # the statements have it already
        if connection.backend == "sqlite":
            return MAIN
        rows = connection.execute(self._plain["place_of_tables"], {})
        return as_text(rows[0][0]) if rows else None

    def _attached(self, connection: ProducerConnection) -> str:
        """Return by which name SQLite's connection has the outbox's file, ``main`` or an attached one."""
        rows = connection.execute(self._plain["place"], {})
        places = {as_text(name) or "": file_place(as_text(file)) for name, file in rows}
        name = self._name_in(places)
        if name is None:
            self._look_again()  # another file may have taken the path of the outbox's
            name = self._name_in(places)
        if name is None:
            raise WrongDatabase(connection.kind, str(places.get(MAIN, NOWHERE)), str(self._expected))
        return name

    def _name_in(self, places: dict[str, Place]) -> str | None:
        return next((name for name, place in places.items() if same_file(place, self._expected)), None)

    def _qualified(self, qualifier: str | None) -> Catalog:
        if qualifier is None:
            return self._plain
        if qualifier not in self._catalogs:
            self._catalogs[qualifier] = self._rendered(qualifier)
        return self._catalogs[qualifier]

    def _rendered(self, qualifier: str) -> Catalog:
        backend = self._plain.backend
        try:
            naming = QualifiedNaming(self._naming.prefix, qualifier, quote=self._plain.dialect.quote)
        except OutboxError:  # a name with a quote in it, say
            return self._plain
        return Catalog.load(backend, naming)


NOWHERE = Place(None, (0, 0))


def file_place(path: str | None) -> Place:
    """Return the place of a file, whatever links lead to it."""
    if not path:
        return NOWHERE
    try:
        found = Path(path).stat()
    except OSError:
        return Place(path, (0, 0))
    return Place(path, (found.st_dev, found.st_ino))


def same_file(one: Place, other: Place) -> bool:
    """Tell whether two places are one file; no file is none."""
    return one.server == other.server and one.server != NOWHERE.server


def as_text(value: object) -> str | None:
    """Return what a driver gave as text; some give bytes, by encoding or by setting."""
    if value is None or isinstance(value, str):
        return value
    return bytes(value).decode(errors="replace") if isinstance(value, (bytes, bytearray)) else str(value)
