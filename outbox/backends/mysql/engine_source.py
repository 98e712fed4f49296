"""Connections of the user's Engine.

Whatever their sessions are set to, ours run in a READ COMMITTED transaction of their own, which
costs two more statements: the level, for that one transaction, and START TRANSACTION, because the
session may commit by itself. Nothing of a session is changed for good.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine

from outbox.backends.engines import with_pool_of_its_own
from outbox.backends.mysql.errors import translated
from outbox.backends.mysql.session import Session
from outbox.backends.waiting import Waiting
from outbox.errors import ConnectionLost, ReadOnlyServer
from outbox.statements import Catalog

log = logging.getLogger("outbox.backends.mysql")


class EngineSource:
    """The user's Engine on mysql-connector-python, which is never disposed of."""

    def __init__(self, engine: Engine, catalog: Catalog, *, owned: bool = False) -> None:
        self.waiting = Waiting()
        self._engine = engine
        self._catalog = catalog
        self._owned = owned

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self._lent() as (_, session):
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with self._lent() as (outer, session):
            session.command("read_committed")
            session.command("begin")
            yield session
            with translated():
                outer.commit()

    def apart(self) -> EngineSource:
        source = EngineSource(with_pool_of_its_own(self._engine), self._catalog, owned=True)
        source.waiting = self.waiting
        return source

    def close(self) -> None:
        """Leave the user's Engine open."""
        if self._owned:
            self._engine.dispose()

    @contextmanager
    def _lent(self) -> Iterator[tuple[Connection, Session]]:
        with translated():
            outer = self._engine.connect()
        try:
            with translated():
                outer.begin()
                connection = outer.connection.driver_connection
            yield outer, Session(self._catalog, connection, outer)
        except BaseException as error:
            if isinstance(error, (ConnectionLost, ReadOnlyServer)):
                with suppress(Exception):
                    outer.invalidate(error)
            raise
        finally:
            self._give_back(outer)

    def _give_back(self, outer: Connection) -> None:
        try:
            outer.close()  # rolls back what is still open
        except Exception:  # the error in hand, if any, is the one to report
            log.debug("the connection could not be given back", exc_info=True)
            with suppress(Exception):
                outer.invalidate()
