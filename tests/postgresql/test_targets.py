"""Engines and pools that make their connections in ways of their own."""

from __future__ import annotations

import queue
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool
from sqlalchemy import Engine, create_engine, event

from outbox import Outbox
from tests.support import Database

pytestmark = pytest.mark.backends("postgresql")

# A listener or an argument knows better.
NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/nowhere"


def with_creator(url: str) -> Engine:
    return create_engine("postgresql+psycopg://", creator=partial(psycopg.connect, url))


def with_arguments(url: str) -> Engine:
    return create_engine("postgresql+psycopg://", connect_args=conninfo_to_dict(url))


def with_listener(url: str) -> Engine:
    engine = create_engine(NOWHERE)

    def know_better(_dialect: object, _record: object, _args: object, arguments: dict[str, Any]) -> None:
        arguments.update(conninfo_to_dict(url))

    event.listen(engine, "do_connect", know_better)
    return engine


def with_autocommit(url: str) -> Engine:
    return create_engine(
        "postgresql+psycopg://", creator=partial(psycopg.connect, url), isolation_level="AUTOCOMMIT"
    )


def with_session_set_up(url: str) -> Engine:
    engine = with_creator(url)

    def set_up(connection: psycopg.Connection, _record: object, _proxy: object) -> None:
        connection.execute("SELECT set_config('outbox.tenant', '7', false)")

    event.listen(engine, "checkout", set_up)
    return engine


def deliver(target: object) -> None:
    """Send a message through a leased and a transactional handler, woken by signals alone."""
    seen: queue.Queue[str] = queue.Queue()
    builder = Outbox.builder(target).poll_interval(60)
    builder.queue("leased", 1).leased(lambda _msg: seen.put("leased"))
    builder.queue("transactional", 1).transactional(lambda _conn, _msg: seen.put("transactional"))
    with builder.start() as handle:
        handle.outbox.enqueue_now("leased", 1)
        handle.outbox.enqueue_now("transactional", 1)
        assert {seen.get(timeout=20), seen.get(timeout=20)} == {"leased", "transactional"}


@pytest.mark.parametrize(
    "make", [with_creator, with_arguments, with_listener, with_autocommit, with_session_set_up]
)
def test_every_connection_comes_from_the_engine_however_it_makes_them(
    migrated: Database, make: Callable[[str], Engine]
) -> None:
    engine = make(migrated.url)
    deliver(engine)
    engine.dispose()


def test_a_pool_may_compute_its_arguments(migrated: Database) -> None:
    with ConnectionPool(kwargs=partial(conninfo_to_dict, migrated.url), min_size=1, max_size=4) as pool:
        deliver(pool)


def prepared(pool: ConnectionPool) -> int:
    """Return how many statements the sessions of an idle pool have prepared."""
    with ExitStack() as stack:
        connections = [stack.enter_context(pool.connection()) for _ in range(pool.get_stats()["pool_size"])]
        counts = [conn.execute("SELECT count(*) FROM pg_prepared_statements") for conn in connections]
        return sum(count for ((count,),) in counts)


@pytest.mark.parametrize("threshold", [5, None], ids=["by default", "never"])
def test_a_pool_may_forbid_prepared_statements_for_a_pooler_that_knows_none(
    migrated: Database, threshold: int | None
) -> None:
    seen: queue.Queue[int] = queue.Queue()
    kwargs = {"prepare_threshold": threshold}
    with ConnectionPool(migrated.url, kwargs=kwargs, min_size=1, max_size=4) as pool:
        builder = Outbox.builder(pool).processors(1).queue("orders", 1).leased(lambda msg: seen.put(msg.seq))
        with builder.start() as handle:
            for number in range(1, 41):
                handle.outbox.enqueue_now("orders", number)
                assert seen.get(timeout=20) == number
        assert (prepared(pool) > 0) is (threshold is not None)
