"""The pipeline on a connection of the caller's, of any of the drivers, in the transaction open there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from outbox.backends.given import part
from outbox.backends.mysql.backend import MysqlBackend
from outbox.backends.mysql.errors import translated
from outbox.backends.mysql.session import Session
from outbox.backends.waiting import Waiting
from outbox.connections.driver import Driver
from outbox.statements import Catalog, Naming


class InTransaction:
    """Stands where a session asks its connection: the transaction is the caller's, and was open."""

    in_transaction = True

    def __init__(self, raw: Any) -> None:
        self.raw = raw


class GivenSession(Session):
    """The same statements through any driver, one command a call."""

    def __init__(self, catalog: Catalog, driver: Driver, raw: Any, handed: Any) -> None:
        self._catalog = catalog
        self.connection = InTransaction(raw)
        self._cursor = driver.open_cursor(raw)
        self.handler_connection = handed

    def script(self, sql: str) -> None:
        with translated():
            for command in sql.split(";"):
                self._cursor.execute(command)


class GivenSource:
    """Gives the one connection out; see `Source`."""

    def __init__(self, driver: Driver, connection: Any, handed: Any, catalog: Catalog) -> None:
        self.waiting = Waiting()
        self.catalog = catalog
        self._driver = driver
        self._connection = connection
        self._handed = handed

    @contextmanager
    def reading(self) -> Iterator[Session]:
        yield self._session()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        session = self._session()
        with part(session.command):
            yield session

    def dedicated(self) -> GivenSource:
        return self

    def close(self) -> None:
        """Leave the caller's connection open."""

    def _session(self) -> Session:
        return GivenSession(self.catalog, self._driver, self._connection, self._handed)


class GivenBackend(MysqlBackend):
    """As on connections of its own, but that what it gives is the driver's connection itself."""

    @contextmanager
    def reading(self) -> Iterator[Any]:
        with super().reading() as connection:
            yield connection.raw

    @contextmanager
    def writing(self) -> Iterator[Any]:
        with super().writing() as connection:
            yield connection.raw

    def dedicated(self) -> GivenBackend:
        return self


def on_given(driver: Driver, raw: Any, handed: Any, *, catalog: Catalog, naming: Naming) -> MysqlBackend:
    """Return a backend on the caller's connection; transactional handlers get ``handed``."""
    return GivenBackend("mysql", GivenSource(driver, raw, handed, catalog), catalog, naming)
