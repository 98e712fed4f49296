"""What the vacuum deletes, and what it leaves alone."""

from __future__ import annotations

from typing import Any

from outbox import HandlerResult, OutboxMessage, Reject, Retry, WorkerTuning
from outbox.runtime.directive import Directive, Idle, Proceed
from tests.acceptance.bench import PARTITIONS, Bench, Hands, Row
from tests.support import eventually

HOT = ("outbox_incoming", "outbox_outgoing", "outbox_body")
CHUNK = WorkerTuning.vacuum_adaptive().replace(batch_size=10)


def left(bench: Bench) -> dict[str, int]:
    return {table: bench.database.count(table) for table in HOT}


def sweep(hands: Hands) -> Directive:
    return hands.pipeline.vacuum().run_once()


def marks(bench: Bench) -> list[int]:
    """Return how far the vacuum has come in each partition."""
    rows = bench.database.query("SELECT vacuumed_seq FROM outbox_vacuum ORDER BY partition_id")
    return [value for (value,) in rows]


def test_only_what_lies_behind_the_cursor_goes_and_the_cursor_stays(bench: Bench) -> None:
    def handler(msg: OutboxMessage) -> HandlerResult:
        return Retry("later", delay=3600) if msg.json() == 3 else None

    hands = bench.by_hand(lambda queue: queue.leased(handler))
    bench.send(1, 2, 3, 4, 5)
    bench.send("not sequenced yet", partition=1)
    hands.stages.enqueued(bench.ids[:1])
    hands._sequencer.run_once()
    hands._processor.run_once()
    assert bench.row().cursor == 2
    sweep(hands)
    assert left(bench) == {"outbox_incoming": 1, "outbox_outgoing": 3, "outbox_body": 4}
    assert bench.row().cursor == 2
    remaining = bench.database.query("SELECT seq FROM outbox_outgoing ORDER BY seq")
    assert [seq for (seq,) in remaining] == [3, 4, 5]


def test_after_everything_is_deleted_numbers_and_cursors_go_on(bench: Bench) -> None:
    seen: list[int] = []
    hands = bench.by_hand(lambda queue: queue.leased(lambda msg: seen.append(msg.seq)))
    for run in range(3):
        bench.send("a", "b")
        hands.work()
        sweep(hands)
        assert left(bench) == dict.fromkeys(HOT, 0)
        assert bench.row() == Row(cursor=2 * run + 2, attempts=0, error=None, token=None, held=False)
    assert seen == [1, 2, 3, 4, 5, 6]
    assert marks(bench) == [6, 0, 0, 0]


def test_partitions_whose_cursor_did_not_move_are_not_touched(bench: Bench) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(lambda _msg: None))
    for partition in range(PARTITIONS):
        bench.send("a", partition=partition)
    hands.work()
    sweep(hands)

    def versions() -> list[tuple[Any, ...]]:
        version = "ctid, xmin, " if bench.database.backend == "postgresql" else ""
        return bench.database.query(f"SELECT {version}t.* FROM outbox_vacuum t ORDER BY partition_id")

    before = versions()
    bench.send("b", partition=2)
    hands.work()
    sweep(hands)
    after = versions()
    assert [index for index in range(PARTITIONS) if before[index] != after[index]] == [2]
    sweep(hands)
    assert versions() == after


def test_a_sweep_goes_in_chunks_and_another_process_goes_on_where_it_was_cut_short(bench: Bench) -> None:
    declared = lambda queue: queue.leased(lambda _msg: None)  # noqa: E731 - a declaration
    first = bench.by_hand(declared, vacuum_tuning=CHUNK)
    for partition in range(PARTITIONS):
        bench.send(*range(8), partition=partition)
    first.work()
    assert left(bench)["outbox_outgoing"] == 32
    sweep(first)
    assert left(bench) == {"outbox_incoming": 0, "outbox_outgoing": 22, "outbox_body": 22}
    first.stopping.set()

    second = bench.by_hand(declared, vacuum_tuning=CHUNK)
    found = []
    while left(bench)["outbox_outgoing"]:
        sweep(second)
        found.append(left(bench)["outbox_body"])
    assert found == [12, 2, 0]
    assert marks(bench) == [8] * PARTITIONS


def test_a_full_chunk_asks_for_the_next_at_once_and_any_other_for_the_rest_of_its_profile(
    bench: Bench,
) -> None:
    slow = WorkerTuning.vacuum().replace(batch_size=10)
    hands = bench.by_hand(lambda queue: queue.leased(lambda _msg: None), vacuum_tuning=slow)
    bench.send(*range(12))
    hands.work()
    assert [sweep(hands) for _ in range(3)] == [Proceed(pause=0), Proceed(pause=1), Idle()]


def test_dead_letters_stay(bench: Bench) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(lambda _msg: Reject("no")))
    bench.send("a", "b")
    hands.work()
    sweep(hands)
    assert left(bench) == dict.fromkeys(HOT, 0)
    rows = bench.database.query("SELECT seq, payload FROM outbox_dead_letters ORDER BY seq")
    assert [(seq, bytes(payload)) for seq, payload in rows] == [(1, b'"a"'), (2, b'"b"')]


def test_running_workers_leave_the_hot_tables_empty_when_all_is_done(bench: Bench) -> None:
    seen: list[str] = []
    bench.on_threads(lambda queue: queue.leased(lambda msg: seen.append(msg.json())))
    for partition in range(PARTITIONS):
        bench.send(*range(50), partition=partition)
    eventually(lambda: len(seen) == 50 * PARTITIONS)
    eventually(lambda: left(bench) == dict.fromkeys(HOT, 0))
    assert marks(bench) == [50] * PARTITIONS
    assert [bench.row(partition).cursor for partition in range(PARTITIONS)] == [50] * PARTITIONS
