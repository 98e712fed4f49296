from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outbox import Retry
from tests.acceptance.bench import Bench
from tests.acceptance.cli.shell import Done, Shell
from tests.acceptance.dead_letters.office import Office
from tests.acceptance.schema.shape import shape
from tests.support import Database

CHECKS = {
    "driver", "clock", "schema", "server", "skip locked", "isolation", "drift", "pool", "connections",
    "wake-ups", "workers", "heads", "leases", "dead letters",
}  # fmt: skip


def findings(shell: Callable[..., Done], *words: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """Return what is not well, by check."""
    done = shell("doctor", "--json", *words)
    assert done.returncode == code, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert {row["check"] for row in found} - {"journal", "binary log"} == CHECKS
    bad = [row for row in found if row["level"] in {"warning", "problem"}]
    assert all(row["advice"] for row in bad)
    # What the machine has, and no test can choose.
    return {row["check"]: row for row in bad if row["check"] not in {"driver", "server"}}


def test_a_healthy_database_has_no_findings(shell: Shell, bench: Bench) -> None:
    assert findings(shell) == {}
    assert shell("doctor").lines[-1].startswith("0 problems")


def test_examining_leaves_nothing_behind(shell: Shell, migrated: Database) -> None:
    before = shape(migrated)
    findings(shell)
    assert shape(migrated) == before


def test_missing_tables_are_a_problem_with_a_remedy(database: Database, tmp_path: Path) -> None:
    if database.backend == "sqlite":
        database.query("SELECT 1")
    shell = Shell(database.url, tmp_path)

    done = shell("doctor")

    assert done.returncode == 1
    assert "problem  schema        not applied: 0001_create_tables" in done.stdout
    assert "-> run: outbox schema migrate" in done.stdout


def test_a_backlog_that_nobody_works_on_is_a_problem(shell: Shell, bench: Bench) -> None:
    bench.send("a", "b", partition=1)

    found = findings(shell, "--stalled-after", "0", code=1)

    assert "queue orders: 2 messages in 1 partition and no worker taking them" in found["workers"]["text"]
    assert findings(shell, "--stalled-after", "1h") == {}


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_transactional_handler_that_takes_long_is_somebody(shell: Shell, bench: Bench) -> None:
    begun, enough = threading.Event(), threading.Event()

    def handler(_conn: object, _msg: object) -> None:
        begun.set()
        assert enough.wait(60)

    bench.on_threads(lambda queue: queue.transactional(handler))
    bench.send("a", partition=1)
    assert begun.wait(20)
    found = findings(shell, "--stalled-after", "0")
    enough.set()
    assert "workers" not in found


def test_a_failing_head_is_reported_with_its_error(shell: Shell, bench: Bench) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(lambda msg: Retry("no stock", delay=60)))
    bench.send("a", "b", partition=1)
    hands.work()

    found = findings(shell)

    assert "message 1 has failed 1 time and holds up 1 message: no stock" in found["heads"]["text"]
    assert findings(shell, "--strict", code=1).keys() == {"heads"}


def test_a_head_whose_failures_do_not_count_is_reported_as_waiting_for_something(
    shell: Shell, bench: Bench
) -> None:
    away = Retry("the warehouse is away", delay=60, counts=False)
    hands = bench.by_hand(lambda queue: queue.leased(lambda msg: away))
    bench.send("a", "b", partition=1)
    hands.work()

    found = findings(shell)

    text = "message 1 is tried again and again and holds up 1 message: the warehouse is away"
    assert text in found["heads"]["text"]
    assert "counts=False" in found["heads"]["advice"]


def test_a_lease_that_ran_out_under_its_handler_is_reported(shell: Shell, bench: Bench) -> None:
    past = {"postgresql": "now() - interval '1 hour'", "sqlite": "1"}.get(
        shell.url.partition(":")[0], "'2020-01-01'"
    )
    bench.database.execute(
        f"UPDATE outbox_processor SET attempts = 1, locked_by = 'host:1:t:x', locked_until = {past} WHERE partition_id = ?",
        bench.ids[2],
    )

    found = findings(shell)

    assert "queue orders, partition 2: the lease of host:1:t:x expired" in found["leases"]["text"]
    assert "LeaseConfig" in found["leases"]["advice"]


def test_leases_that_run_out_are_reported_when_the_next_owner_has_begun(shell: Shell, bench: Bench) -> None:
    later = {"postgresql": "now() + interval '1 hour'", "sqlite": "4000000000000000"}.get(
        shell.url.partition(":")[0], "'2100-01-01'"
    )
    sql = f"UPDATE outbox_processor SET attempts = ?, locked_by = 'host:1:t:x', locked_until = {later} WHERE partition_id = ?"
    bench.database.execute(sql, 1, bench.ids[1])
    assert findings(shell) == {}
    bench.database.execute(sql, 4, bench.ids[2])

    found = findings(shell)

    assert found.keys() == {"leases"}
    assert "partition 2: the previous owner's lease expired" in found["leases"]["text"]
    assert "(3 starts of message 1)" in found["leases"]["text"]


def test_pending_letters_are_reported(shell: Shell, office: Office) -> None:
    office.put(b"a", b"b")

    assert findings(shell)["dead letters"]["text"] == "2 letters pending"


def test_a_pool_smaller_than_the_threads_that_share_it_is_a_problem(
    shell: Shell, bench: Bench, migrated: Database
) -> None:
    options = "pool_size=2, max_overflow=1"
    if migrated.backend == "sqlite":
        options += ", poolclass=sqlalchemy.QueuePool"
    shell.module(
        "shop_app",
        f"import sqlalchemy\nfrom outbox import Outbox\n"
        f"engine = sqlalchemy.create_engine({migrated.sqlalchemy_url!r}, {options})\n"
        "builder = Outbox.builder(engine).queue('orders', 4).leased(print)\n",
    )

    # The application's engine is closed by the end of its process, and by nothing else.
    found = findings(shell.process, "--builder", "shop_app:builder", code=1)

    assert found["pool"]["text"].startswith("3 connections at most for 8 worker threads")


@pytest.mark.backends("postgresql")
def test_another_isolation_level_is_told_and_no_problem(shell: Shell, migrated: Database) -> None:
    url = migrated.url + ("&" if "?" in migrated.url else "?")
    shell.url = f"{url}options=-c%20default_transaction_isolation%3Dserializable"

    assert findings(shell) == {}
    [found] = [row for row in json.loads(shell("doctor", "--json").stdout) if row["check"] == "isolation"]
    assert found["text"].endswith("the default here is serializable")
