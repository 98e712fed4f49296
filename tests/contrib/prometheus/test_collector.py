"""Gauges of the tables, read when they are asked for, from one process."""

from __future__ import annotations

from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry

from outbox.contrib.prometheus import StatusCollector
from tests.acceptance.bench import Bench
from tests.acceptance.bench.fixtures import bench
from tests.acceptance.cli.conftest import shell
from tests.acceptance.cli.shell import COMMAND, Shell
from tests.support import Spawn

__all__ = ["bench", "shell"]
pytestmark = pytest.mark.backends("sqlite")


def test_the_gauges_are_those_of_the_tables_at_the_moment(bench: Bench) -> None:
    registry = CollectorRegistry()
    registry.register(StatusCollector(bench.producer))

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"queue": "orders", **labels})

    assert value("outbox_backlog_messages") == 0
    assert value("outbox_oldest_message_age_seconds") == 0
    bench.send("a", "b")
    assert value("outbox_backlog_messages") == 2
    assert 0 <= (value("outbox_oldest_message_age_seconds") or -1) < 60
    assert value("outbox_partitions") == 4
    assert value("outbox_dead_letters", status="pending") == 0
    assert registry.get_sample_value("outbox_up") == 1


def test_tables_that_cannot_be_read_are_told_and_not_zero(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = CollectorRegistry()
    registry.register(StatusCollector(bench.producer))
    bench.database.execute("ALTER TABLE outbox_pauses RENAME TO elsewhere")
    try:
        assert registry.get_sample_value("outbox_up") == 0
        assert registry.get_sample_value("outbox_backlog_messages", {"queue": "orders"}) is None
    finally:
        bench.database.execute("ALTER TABLE elsewhere RENAME TO outbox_pauses")
    assert registry.get_sample_value("outbox_up") == 1


def test_the_command_prints_them_once(shell: Shell, bench: Bench) -> None:
    bench.send("a")
    done = shell("metrics")
    assert done.returncode == 0, done.stderr
    assert 'outbox_backlog_messages{queue="orders"} 1.0' in done.lines


@pytest.mark.mp
def test_the_command_answers_scrapes_until_a_signal(shell: Shell, bench: Bench, spawn: Spawn) -> None:
    bench.send("a")
    child = spawn.command(*COMMAND, "metrics", "--listen", "127.0.0.1:0", env=shell.environment)
    url = child.wait_for_line(r"metrics are at (\S+)")[1]
    assert b'outbox_backlog_messages{queue="orders"} 1.0' in urlopen(url).read()
    child.terminate()
    assert child.wait() == 0


@pytest.mark.parametrize("address", ["9187", "localhost:", ":9187", "localhost:70000", "localhost:x"])
def test_an_address_that_is_none_is_refused(shell: Shell, address: str) -> None:
    assert "write HOST:PORT" in shell.fails(2, "metrics", "--listen", address)


def test_the_rules_and_the_dashboard_are_printed_without_a_database(shell: Shell) -> None:
    assert shell("metrics", "--show", "rules", OUTBOX_URL="").stdout.startswith("# Alerts for an outbox.")
    assert shell("metrics", "--show", "dashboard", OUTBOX_URL="").json["title"] == "Outbox"
