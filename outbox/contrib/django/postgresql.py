"""PostgreSQL through Django's connections, on psycopg 3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from outbox.backends.postgresql.backend import PostgresBackend
from outbox.backends.postgresql.pooler import Pooler
from outbox.backends.postgresql.server import judge
from outbox.backends.postgresql.session import Database
from outbox.backends.postgresql.sources import PgConnection, connector
from outbox.backends.records import LeaseRequest, Refusal
from outbox.backends.waiting import Waiting, never
from outbox.contrib.django.lending import Lending
from outbox.contrib.django.turn import DjangoTurn
from outbox.errors import ConfigurationError
from outbox.statements import Catalog, Naming
from outbox.unwrapping import innermost


class DjangoSource:
    """See `outbox.backends.postgresql.sources.Source`."""

    def __init__(self, lending: Lending) -> None:
        self.waiting = Waiting()
        self.pooler = Pooler()
        self._lending = lending

    @contextmanager
    def reading(self) -> Iterator[PgConnection]:
        with self._lending.reading() as wrapper:
            yield raw(wrapper)

    @contextmanager
    def writing(
        self,
        spoiled: Callable[[], bool] = never,  # noqa: ARG002 - what handlers do to it, they do to Django's
    ) -> Iterator[tuple[PgConnection, Any]]:
        with self._lending.writing() as wrapper:
            yield raw(wrapper), wrapper

    def connect(self) -> PgConnection:
        """Open a connection with the parameters of Django's, for what listens and notifies."""
        wrapper = self._lending.wrapper
        parameters = wrapper.get_connection_params()
        parameters.pop("pool", None)
        conn = wrapper.Database.connect(**parameters)
        conn.autocommit = True
        checked: PgConnection = check_driver(conn)
        return checked

    def dedicated(self) -> DjangoSource:
        """Return the same: each thread has a connection of its own."""
        return self

    def recheck(self) -> None:
        """There is no pool to look at."""

    def close(self) -> None:
        self._lending.close()


class DjangoPostgresBackend(PostgresBackend):
    """The outbox in a PostgreSQL database of Django's."""

    def __init__(self, lending: Lending, naming: Naming, listen_url: str | None) -> None:
        catalog = Catalog.load("postgresql", naming)
        super().__init__(Database(DjangoSource(lending), catalog), naming, connector(listen_url))
        self._lending = lending

    def check_server(self, *, reading: bool = False) -> None:
        """Ask on Django's connection, which a request may have in hand already."""
        with self._db.reading() as session:
            [found] = session.query("server_version").named()
        judge(
            int(found.version),
            read_only=found.read_only and not reading,
            refuses_writes=found.refuses_writes and not reading,
        )

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

    def dedicated(self) -> DjangoPostgresBackend:
        """Return the same: each thread has a connection of its own."""
        return self


def raw(wrapper: Any) -> PgConnection:
    """Return the driver's connection, which an agent may have wrapped."""
    conn: PgConnection = check_driver(innermost(wrapper.connection, psycopg.Connection))
    return conn


def check_driver(conn: Any) -> Any:
    """Return a connection of psycopg 3; raises `ConfigurationError` for one of psycopg2."""
    if not isinstance(conn, psycopg.Connection):
        problem = (
            'Django uses psycopg2 here; it prefers psycopg 3.1.8 or later: pip install "psycopg[binary]"'
        )
        raise ConfigurationError("DATABASES", type(conn).__module__, problem)
    return conn
