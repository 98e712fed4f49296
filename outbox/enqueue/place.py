"""Refuse a connection that leads elsewhere: compared once for each connection, not for each message."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from outbox.connections.connection import ProducerConnection
from outbox.enqueue.place_of_file import PlaceOfFile
from outbox.enqueue.place_on_server import PlaceOnServer
from outbox.enqueue.seen_connections import SeenConnections
from outbox.errors import OutboxError
from outbox.statements import Catalog
from outbox.statements.tables import Naming, QualifiedNaming

Read = Callable[[], AbstractContextManager[ProducerConnection]]


class RightPlace:
    """Tells whether a connection leads to the outbox's own database, and to which names of its tables.

    What it found is remembered for as long as the connection lives: the common case costs a look into a
    dictionary. Thread-safe.
    """

    def __init__(self, catalog: Catalog, naming: Naming, own: Read) -> None:
        """Read where the outbox itself is; ``own`` acquires a connection of its own, adapted."""
        self._plain = catalog
        self._naming = naming
        self._seen = SeenConnections()
        self._catalogs: dict[str, Catalog] = {}
        self._place: PlaceOfFile | PlaceOnServer
        if catalog.dialect.is_embedded:
            self._place = PlaceOfFile(catalog, own)
            # A database in memory has no file to be known by.
            with own() as connection:
                self.trust(connection)
        else:
            self._place = PlaceOnServer(catalog, own, self._qualified, has_schema=naming.schema is not None)

    def catalog(self, connection: ProducerConnection) -> Catalog:
        """Return the statements to write with; raises `WrongDatabase` for a connection that leads elsewhere.

        Sends one statement on a connection that it has not seen yet; the driver's errors pass through.
        """
        raw = connection.driver_connection()
        known = self._seen.get(raw)
        if known is None:
            qualifier = self._place.qualifier_for(connection)
            known = self._qualified(qualifier)
            # Another name than the outbox's own is that of an attached file, and true for now: it may be
            # detached, and another file be attached by its name.
            if qualifier == self._place.qualifier:
                self._seen.add(raw, known)
        return known

    def own_catalog(self) -> Catalog:
        """Return the statements that name the outbox's own tables wherever a session's path leads to."""
        return self._qualified(self._place.qualifier)

    def trust(self, connection: ProducerConnection) -> None:
        """Take a connection of the outbox's own for one that leads to the right place."""
        raw = connection.driver_connection()
        if self._seen.get(raw) is None:
            self._seen.add(raw, self.own_catalog())

    def _qualified(self, qualifier: str | None) -> Catalog:
        if qualifier is None:
            return self._plain
        if qualifier not in self._catalogs:
            self._catalogs[qualifier] = self._rendered(qualifier)
        return self._catalogs[qualifier]

    def _rendered(self, qualifier: str) -> Catalog:
        try:
            naming = QualifiedNaming(self._naming.prefix, qualifier, quote=self._plain.dialect.quote)
        except OutboxError:  # a name with a quote in it, say
            return self._plain
        return self._plain.renamed(naming)
