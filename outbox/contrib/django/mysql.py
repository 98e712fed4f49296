"""MySQL and MariaDB through Django's connections, on mysqlclient."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from outbox.backends.mysql.backend import MysqlBackend
from outbox.backends.mysql.errors import translated
from outbox.backends.mysql.session import Session
from outbox.backends.records import LeaseRequest, Refusal
from outbox.backends.waiting import Waiting
from outbox.contrib.django.lending import Lending
from outbox.contrib.django.turn import DjangoTurn
from outbox.statements import Catalog, Naming

READ_COMMITTED = "read committed"


class DjangoSession(Session):
    """A session on the driver that Django uses, whatever that is called."""

    __slots__ = ("_wrapper",)

    def __init__(self, catalog: Catalog, wrapper: Any) -> None:
        self._catalog = catalog
        self._wrapper = wrapper
        self.connection = wrapper.connection
        self._cursor = wrapper.connection.cursor()
        self.handler_connection = wrapper
        self.spoiled = False

    @property
    def in_transaction(self) -> bool:
        """Whether Django has a transaction open on this very connection."""
        return self._wrapper.in_atomic_block and self._wrapper.connection is self.connection

    def script(self, sql: str) -> None:
        """Run commands separated by semicolons, each by itself: Django may refuse several at once."""
        with translated():
            for command in sql.split(";"):
                self._cursor.execute(command)


class DjangoSource:
    """See `outbox.backends.mysql.session.Source`."""

    def __init__(self, lending: Lending, catalog: Catalog) -> None:
        self.waiting = Waiting()
        self.catalog = catalog
        self._lending = lending

    @contextmanager
    def reading(self) -> Iterator[DjangoSession]:
        with translated(), self._lending.reading() as wrapper:
            yield DjangoSession(self.catalog, wrapper)

    @contextmanager
    def writing(self) -> Iterator[DjangoSession]:
        with translated():
            wrapper = self._lending.ready()
            if not wrapper.in_atomic_block and wrapper.isolation_level != READ_COMMITTED:
                # For the next transaction only.
                DjangoSession(self.catalog, wrapper).command("read_committed")
            held = self._lending.writing()
            held.__enter__()
        try:
            yield DjangoSession(self.catalog, wrapper)
        except BaseException as error:
            held.__exit__(type(error), error, error.__traceback__)
            raise
        with translated():
            held.__exit__(None, None, None)

    def dedicated(self) -> DjangoSource:
        """Return the same: each thread has a connection of its own."""
        return self

    def close(self) -> None:
        self._lending.close()


class DjangoMysqlBackend(MysqlBackend):
    """The outbox in a MySQL or MariaDB database of Django's."""

    def __init__(self, lending: Lending, naming: Naming) -> None:
        catalog = Catalog.load("mysql", naming)
        super().__init__("mysql", DjangoSource(lending, catalog), catalog, naming)
        self._lending = lending

    @contextmanager
    def connection(self) -> Iterator[Any]:
        with self._lending.writing(durable=True) as wrapper:
            yield wrapper

    @contextmanager
    def transactional_turn(
        self, request: LeaseRequest, *, max_bytes: int, one_if_failed: bool, ignore_backoff: bool = False
    ) -> Iterator[Any]:
        with super().transactional_turn(
            request, max_bytes=max_bytes, one_if_failed=one_if_failed, ignore_backoff=ignore_backoff
        ) as turn:
            yield turn if isinstance(turn, Refusal) else DjangoTurn(turn, self._lending.wrapper)

    def dedicated(self) -> DjangoMysqlBackend:
        """Return the same: each thread has a connection of its own."""
        return self
