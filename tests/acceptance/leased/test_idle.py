"""Nothing to do means nothing done."""

from __future__ import annotations

from typing import Any

from outbox import OutboxMessage, Retry
from outbox.runtime.directive import Idle
from tests.acceptance.bench import Bench
from tests.support import eventually

TABLES = ("partitions", "incoming", "outgoing", "body", "processor", "vacuum", "dead_letters")


def rows(bench: Bench) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row, and on PostgreSQL which version of the row it is."""
    version = "ctid, xmin, " if bench.database.backend == "postgresql" else ""
    with bench.database.session() as session:
        return {
            table: sorted(session.query(f"SELECT {version}t.* FROM outbox_{table} t"), key=repr)
            for table in TABLES
        }


def test_idle_polls_call_no_handler_and_change_no_row(bench: Bench) -> None:
    seen: list[int] = []
    handle = bench.on_threads(
        lambda queue: queue.leased(lambda msg: seen.append(msg.seq)), poll_interval=0.02
    )
    bench.send("a", "b")
    eventually(lambda: handle.stats().counters.get("vacuumed") == 2)
    before = rows(bench)
    polls = handle.stats().counters["polls"]
    eventually(lambda: handle.stats().counters["polls"] >= polls + 20)
    assert rows(bench) == before
    assert seen == [1, 2]
    assert bench.row().attempts == 0


def test_polls_during_a_backoff_change_no_row(bench: Bench) -> None:
    seen: list[int] = []

    def handler(msg: OutboxMessage) -> Retry:
        seen.append(msg.seq)
        return Retry("later", delay=3600)

    handle = bench.on_threads(lambda queue: queue.leased(handler), poll_interval=0.02)
    bench.send("a")
    eventually(lambda: handle.stats().counters.get("retried") == 1)
    before = rows(bench)
    polls = handle.stats().counters["polls"]
    eventually(lambda: handle.stats().counters["polls"] >= polls + 20)
    assert rows(bench) == before
    assert seen == [1]


def test_a_round_without_work_is_idle_and_touches_nothing(bench: Bench) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(lambda _msg: None))
    before = rows(bench)
    assert [hands.turn() for _ in range(3)] == [Idle()] * 3
    assert rows(bench) == before


def test_a_false_signal_takes_no_lease_and_counts_no_start(bench: Bench) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(lambda _msg: None))
    before = rows(bench)
    hands.stages.sequenced(bench.ids)
    hands.work()
    assert rows(bench) == before
