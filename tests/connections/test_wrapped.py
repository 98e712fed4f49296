"""Connections that a tracing agent or a pool has wrapped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy.orm
import wrapt

from outbox import Outbox, Partitions, UnsupportedConnection
from outbox.connections import adapt
from tests.connections.support import connections, family
from tests.support import Database


class Traced(wrapt.ObjectProxy):  # type: ignore[type-arg] # generic in its stubs alone
    """What an agent makes of a connection."""

    def cursor(self, *args: Any, **options: Any) -> Any:
        return wrapt.ObjectProxy(self.__wrapped__.cursor(*args, **options))


class Delegating:
    """A proxy as people write it by hand; of which class it is nobody sees."""

    def __init__(self, wrapped: Any) -> None:
        self._hidden = wrapped

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hidden, name)


class Named(Delegating):
    """One that claims its class, and hides what it wraps in a closure."""

    def __init__(self, wrapped: Any) -> None:
        self.__dict__["_look"] = lambda: wrapped

    def __getattr__(self, name: str) -> Any:
        return getattr(self._look(), name)

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return object.__getattribute__(self, "_look")().__class__
        return object.__getattribute__(self, name)


WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "a tracer's proxy": Traced,
    "a tracer's proxy of another tracer's": lambda conn: Traced(Traced(conn)),
    "a proxy written by hand": Delegating,
    "a proxy of proxies": lambda conn: Delegating(Traced(Delegating(conn))),
}
wrapped = pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)


@pytest.fixture
def box(migrated: Database) -> Any:
    with Outbox.builder(migrated.url).queue("orders", Partitions.of(1)).enqueue_only().open() as box:
        yield box


@wrapped
def test_enqueue_takes_a_wrapped_connection_and_its_cursor_of_every_driver(
    box: Outbox, migrated: Database, wrap: Callable[[Any], Any]
) -> None:
    expected = 0
    for raw in connections(migrated).values():
        given = wrap(raw)
        for conn in (given, given.cursor(), wrap(raw.cursor())):
            box.enqueue(conn, "orders", {"id": 7})
            assert migrated.count("outbox_incoming") == expected
            raw.commit()
            expected += 1
            assert migrated.count("outbox_incoming") == expected
            box.enqueue(conn, "orders", {"id": 7})
            raw.rollback()
            assert migrated.count("outbox_incoming") == expected
        raw.close()


def test_a_proxy_that_shows_only_its_class_is_taken_for_it(migrated: Database) -> None:
    raw = migrated.connect()
    connection = adapt(Named(raw), family(migrated))
    assert connection.backend == family(migrated)
    raw.close()


@pytest.mark.backends("postgresql", "mysql", "sqlite")
def test_sqlalchemy_over_a_wrapped_connection(box: Outbox, migrated: Database) -> None:
    engine = sqlalchemy.create_engine(migrated.sqlalchemy_url, creator=lambda: Traced(migrated.connect()))
    with engine.begin() as conn:
        box.enqueue(conn, "orders", 1)
    with sqlalchemy.orm.Session(engine) as session:
        box.enqueue(session, "orders", 1)
        session.commit()
    assert migrated.count("outbox_incoming") == 2
    engine.dispose()


class Unit:
    """It holds a connection, and is none."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection


class AsynchronousLoan:
    """As an asynchronous driver that keeps a synchronous connection in a thread."""

    def __init__(self, connection: Any) -> None:
        self._conn = connection

    async def cursor(self) -> None: ...
    async def commit(self) -> None: ...
    async def rollback(self) -> None: ...
    async def execute(self) -> None: ...
    async def fetchall(self) -> None: ...
    async def close(self) -> None: ...


class Endless:
    """A proxy that leads to new ones for ever."""

    def __getattr__(self, name: str) -> Any:
        return (lambda: None) if name in {"cursor", "commit", "rollback"} else Endless()


@pytest.mark.backends("sqlite")
def test_what_only_holds_a_connection_is_refused(migrated: Database) -> None:
    raw = migrated.connect()
    for given in (Unit(raw), AsynchronousLoan(raw), Endless(), wrapt.ObjectProxy(7)):
        with pytest.raises(UnsupportedConnection, match="cannot use a"):
            adapt(given)


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("kind", ["subclass", "null pool", "proxy"])
def test_a_pool_of_a_class_of_its_own_serves_the_outbox(migrated: Database, kind: str) -> None:
    from psycopg_pool import ConnectionPool, NullConnectionPool

    class Observed(ConnectionPool[Any]):
        """As tracing agents and applications derive it."""

    options: dict[str, Any] = {"min_size": 0, "max_size": 4, "open": True}
    made: Any = (NullConnectionPool if kind == "null pool" else Observed)(migrated.url, **options)
    target = wrapt.ObjectProxy(made) if kind == "proxy" else made
    with Outbox.builder(target).queue("orders", Partitions.of(1)).enqueue_only().open() as box:
        box.enqueue_now("orders", 1)
    assert migrated.count("outbox_incoming") == 1
    made.close()
