"""A primary and its hot standby, before and after the standby takes over."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

import outbox
from outbox import LeaseConfig, Outbox, OutboxMessage
from outbox.backends.connect import open_backend
from outbox.errors import ReadOnlyServer
from outbox.statements import Naming
from tests.servers.fleet import Fleet
from tests.servers.postgres import PostgresServer, PostgresStandby
from tests.support import Database, PrivateServer, eventually

pytestmark = [pytest.mark.slow, pytest.mark.backends("postgresql")]

# An ack that was lost with the primary costs a lease.
LEASE = LeaseConfig(3, headroom=0.5)
BACK_WITHIN = 30.0


@pytest.fixture
def database(private_server: PrivateServer) -> Database:
    return private_server.new_database()


@pytest.fixture
def standby(private_server: PrivateServer, database: Database, fleet: Fleet) -> Iterator[PostgresStandby]:
    primary = private_server._server
    assert isinstance(primary, PostgresServer)
    standby = fleet.standby(primary)
    yield standby
    standby.stop()


def test_a_standby_is_refused_in_one_sentence(standby: PostgresStandby, database: Database) -> None:
    url = standby.url_of(name_of(database))
    for enter in (lambda: Outbox.builder(url).open(), lambda: outbox.migrate(url)):
        with pytest.raises(ReadOnlyServer, match="is a read-only standby; connect to the primary"):
            enter()


def test_who_cannot_listen_at_a_standby_leaves_no_connection_there(
    standby: PostgresStandby, database: Database
) -> None:
    url = standby.url_of(name_of(database))
    backend = open_backend(database.url, naming=Naming(), pool_size=1, listen_url=url)
    with pytest.raises(ReadOnlyServer) as kept:
        backend.listen()
    backend.close()
    with psycopg.connect(url, autocommit=True) as conn:
        ours = "SELECT pid FROM pg_stat_activity WHERE application_name = 'outbox'"
        eventually(lambda: conn.execute(ours).fetchall() == [])
    assert isinstance(kept.value, ReadOnlyServer)


def test_the_workers_find_the_standby_that_has_taken_over(
    standby: PostgresStandby, private_server: PrivateServer, database: Database
) -> None:
    seen: list[str] = []

    def handler(msg: OutboxMessage) -> None:
        seen.append(msg.json())

    hosts = f"127.0.0.1:{standby.port},{private_server.url.partition('@')[2].partition('/')[0]}"
    url = f"postgresql://outbox@{hosts}/{name_of(database)}?target_session_attrs=read-write"
    builder = Outbox.builder(url).queue("orders", 1).leased(handler, lease=LEASE)
    with builder.start() as handle:
        handle.outbox.enqueue_now("orders", "before")
        eventually(lambda: seen == ["before"])
        eventually(lambda: caught_up(standby, database))
        private_server.kill()
        eventually(lambda: not handle.healthy(), BACK_WITHIN)
        standby.promote()
        with psycopg.connect(standby.url_of(name_of(database))) as conn:
            handle.outbox.enqueue(conn, "orders", "after")
        eventually(lambda: "after" in seen, BACK_WITHIN)
        eventually(handle.healthy, BACK_WITHIN)
    # At most again what was not known to be done.
    assert seen in (["before", "after"], ["before", "before", "after"])


def name_of(database: Database) -> str:
    return database.url.rpartition("/")[2]


def caught_up(standby: PostgresStandby, database: Database) -> bool:
    """Tell whether the standby has everything that the primary has written."""
    position = database.value("SELECT pg_current_wal_flush_lsn()::text")
    with psycopg.connect(standby.url) as conn:
        rows = conn.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [position]).fetchall()
    return rows == [(True,)]
