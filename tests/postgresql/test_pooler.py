"""Behind pgbouncer, with a plain URL."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy
from psycopg_pool import ConnectionPool

import outbox
from outbox import ConfigurationError, DeadLetterFilter, Outbox, OutboxMessage, Reject
from tests.acceptance.cli.shell import Shell
from tests.servers.fleet import Fleet
from tests.support import Database, eventually

pytestmark = pytest.mark.backends("postgresql")

MESSAGES = 60


@contextmanager
def own_url(url: str) -> Iterator[Any]:
    yield url


@contextmanager
def engine(url: str) -> Iterator[Any]:
    made = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), pool_size=12)
    yield made
    made.dispose()


@contextmanager
def pool(url: str) -> Iterator[Any]:
    with ConnectionPool(url, min_size=1, max_size=12) as made:
        yield made


@pytest.mark.parametrize("kind", [own_url, engine, pool])
def test_in_transaction_mode_everything_is_delivered_without_an_error(
    migrated: Database,
    fleet: Fleet,
    backend: str,
    kind: Callable[[str], Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = fleet.pgbouncer(fleet.shared(backend), "transaction").url_of(migrated.url)
    leased: list[int] = []
    written: list[int] = []

    def ship(msg: OutboxMessage) -> Reject | None:
        leased.append(msg.json())
        return Reject("no") if msg.json() == 7 else None

    with kind(url) as target:
        builder = Outbox.builder(target).queue("leased", 4).leased(ship)
        builder = builder.queue("written", 2).transactional(lambda conn, msg: written.append(msg.json()))
        with caplog.at_level(logging.INFO, "outbox"), builder.start() as handle:
            box = handle.outbox

            def produce(start: int) -> None:
                for number in range(start, MESSAGES, 3):
                    box.enqueue_now("leased", number)
                    box.enqueue_now("written", number)

            threads = [threading.Thread(target=produce, args=(start,)) for start in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            eventually(lambda: len(leased) >= MESSAGES and len(written) >= MESSAGES, 20)
            # Often enough for a driver to prepare it.
            for _ in range(8):
                assert box.dead_letters.count(DeadLetterFilter()) == 1
            assert handle.healthy()
            assert box.backend.catalog["count_dead_letters"].compact.startswith("/*NO LOAD BALANCE*/ ")
    assert sorted(leased) == sorted(written) == list(range(MESSAGES))
    errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert [line for line in errors if not line.startswith("dead letter: ")] == []
    told = [record.getMessage() for record in caplog.records if "go through a pooler" in record.getMessage()]
    assert told
    with psycopg.connect(migrated.url) as conn:
        # Nothing of ours stays in the sessions that others get next.
        assert conn.execute("SHOW default_transaction_isolation").fetchone() == ("read committed",)


def test_a_session_behind_the_pooler_is_left_as_it_is(migrated: Database, fleet: Fleet, backend: str) -> None:
    url = fleet.pgbouncer(fleet.shared(backend), "transaction").url_of(migrated.url)
    with Outbox.builder(url).queue("orders", 1).enqueue_only().open() as box:
        box.enqueue_now("orders", 1)
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as conn:
        assert conn.execute("SHOW idle_session_timeout").fetchone() == ("0",)
        assert (
            conn.execute("SELECT current_setting('jit')").fetchone()
            == conn.execute("SELECT reset_val FROM pg_settings WHERE name = 'jit'").fetchone()
        )


def test_a_pooler_in_statement_mode_is_refused(migrated: Database, fleet: Fleet, backend: str) -> None:
    url = fleet.pgbouncer(fleet.shared(backend), "statement").url_of(migrated.url)
    with pytest.raises(ConfigurationError, match="pool_mode = transaction"):
        Outbox.builder(url).queue("orders", 1).enqueue_only().open()


def test_with_the_servers_own_url_to_listen_at_messages_are_announced(
    migrated: Database, fleet: Fleet, backend: str
) -> None:
    url = fleet.pgbouncer(fleet.shared(backend), "transaction").url_of(migrated.url)
    got: list[int] = []
    builder = Outbox.builder(url).wakeup("notify", listen_url=migrated.url).poll_interval(30)
    with builder.queue("orders", 1).leased(lambda msg: got.append(msg.id)).start():
        listening = (
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%LISTEN%' AND pid <> pg_backend_pid()"
        )
        eventually(lambda: migrated.value(listening) > 0)
        with Outbox.builder(url).queue("orders", 1).enqueue_only().open() as other:
            other.enqueue_now("orders", 1)
            eventually(lambda: len(got) == 1, 10)
            other.enqueue_now("orders", 2)
            eventually(lambda: len(got) == 2, 10)


def test_the_doctor_tells_of_the_pooler_and_of_limits(
    database: Database, fleet: Fleet, backend: str, tmp_path: Path
) -> None:
    outbox.migrate(database.url)
    name = database.value("SELECT current_database()")
    database.execute(f"ALTER DATABASE {name} SET statement_timeout = '900ms'")
    url = fleet.pgbouncer(fleet.shared(backend), "transaction").url_of(database.url)
    found = {row["check"]: row for row in json.loads(Shell(url, tmp_path)("doctor", "--json").stdout)}
    assert found["pooler"]["level"] == "ok"
    assert "900 ms" in found["limits"]["text"]
    assert found["wake-ups"]["level"] == "warning"
