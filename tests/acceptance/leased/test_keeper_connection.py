"""Renewals go through a connection of their own."""

from __future__ import annotations

from typing import Any

import pytest

from outbox import LeaseConfig, OutboxMessage
from outbox.backends.connect import open_backend
from outbox.errors import DatabaseError
from outbox.statements import Naming
from tests.acceptance.bench import QUEUE, Bench, Row
from tests.acceptance.leased.test_failed_ack import OTHERS, cut
from tests.support import Database, eventually

# Renewed after half a second, and far from its end.
LEASE = LeaseConfig(30, headroom=29.3, renewals=20)


def test_a_lease_is_renewed_while_all_connections_of_the_pool_are_taken(bench: Bench) -> None:
    engine = bench.database.engine(pool_size=1, max_overflow=0, pool_timeout=0.2)
    seen: list[tuple[int, int]] = []
    ends: set[object] = set()

    def extended_twice() -> bool:
        hands.keep_leases()
        ends.add(
            bench.database.value(
                "SELECT locked_until FROM outbox_processor WHERE partition_id = ?", bench.ids[0]
            )
        )
        return len(ends) >= 3

    def handler(msg: OutboxMessage) -> None:
        seen.append((msg.seq, msg.attempts))
        with engine.connect():
            eventually(extended_twice)

    hands = bench.by_hand(lambda queue: queue.leased(handler, lease=LEASE), target=engine)
    bench.send("a")
    hands.turn()
    assert seen == [(1, 0)]
    assert bench.row() == Row(cursor=1, attempts=0, error=None, token=None, held=False)


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_lease_is_renewed_although_the_connection_for_it_was_cut(bench: Bench) -> None:
    ends: list[object] = []

    def extended() -> bool:
        hands.keep_leases()
        end = bench.database.value(
            "SELECT locked_until FROM outbox_processor WHERE partition_id = ?", bench.ids[0]
        )
        return end not in ends and not ends.append(end)

    def handler(_msg: OutboxMessage) -> None:
        extended()
        eventually(extended)
        cut(bench.database, OTHERS)
        eventually(extended)

    hands = bench.by_hand(lambda queue: queue.leased(handler, lease=LEASE))
    bench.send("a")
    hands.turn()
    assert bench.row().cursor == 1


@pytest.mark.backends("postgresql")
def test_a_connection_apart_is_set_up_as_the_users_pool_does_it(migrated: Database) -> None:
    from psycopg_pool import ConnectionPool

    migrated.execute("ALTER SCHEMA public RENAME TO elsewhere")

    def configure(conn: Any) -> None:
        conn.execute("SET search_path TO elsewhere")
        conn.commit()

    with ConnectionPool(migrated.url, min_size=1, max_size=1, configure=configure) as pool:
        backend = open_backend(pool, naming=Naming("outbox"), pool_size=1)
        (key,) = backend.register_queue(QUEUE, 1)
        with pool.connection():
            assert backend.dedicated().renew([key], token="nobody", lease=1.0) == set()
        backend.close()


@pytest.mark.backends("postgresql")
def test_a_connection_apart_commits_by_itself_although_those_of_the_users_pool_do_not(
    migrated: Database,
) -> None:
    from psycopg_pool import ConnectionPool

    def configure(conn: Any) -> None:
        conn.autocommit = False

    with ConnectionPool(migrated.url, min_size=1, max_size=1, configure=configure) as pool:
        backend = open_backend(pool, naming=Naming("outbox"), pool_size=1)
        (key,) = backend.register_queue(QUEUE, 1)
        migrated.execute(
            "UPDATE outbox_processor SET locked_by = 'us', locked_until = now() + INTERVAL '1 minute'"
        )
        assert backend.dedicated().renew([key], token="us", lease=3600.0) == {key}
        ends = "SELECT locked_until > now() + INTERVAL '30 minutes' FROM outbox_processor"
        assert migrated.value(ends) is True
        backend.close()


@pytest.mark.backends("postgresql")
def test_a_connection_apart_that_the_pool_cannot_set_up_is_closed(migrated: Database) -> None:
    from psycopg_pool import ConnectionPool

    made: list[Any] = []

    def configure(conn: Any) -> None:
        made.append(conn)
        if len(made) > 1:
            conn.execute("SELECT 1 / 0")

    with ConnectionPool(migrated.url, min_size=1, max_size=1, configure=configure) as pool:
        pool.wait(20)
        backend = open_backend(pool, naming=Naming("outbox"), pool_size=1)
        with pytest.raises(DatabaseError, match="zero"):
            backend.dedicated().renew([1], token="us", lease=1.0)
        assert made[1].closed
        backend.close()
