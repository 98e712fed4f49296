"""Sequence numbers, without anybody in the way."""

from __future__ import annotations

from typing import Any

from outbox import WorkerTuning
from outbox.runtime.directive import Idle
from tests.acceptance.bench import PARTITIONS, Bench
from tests.acceptance.sequencing.outgoing import ids_in_order, numbered, sequences

SMALL = WorkerTuning.sequencer_adaptive().replace(batch_size=10)


def test_messages_move_on_and_are_numbered_from_one_in_the_order_of_their_ids(bench: Bench) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(print))
    sent = bench.send(*range(20))
    hands.sequence()
    assert numbered(bench) == list(enumerate(sent, 1))
    assert sent == sorted(sent)
    assert bench.database.count("outbox_incoming") == 0
    assert sequences(bench.database) == [20, 0, 0, 0]


def test_partitions_are_numbered_independently_and_runs_follow_on(bench: Bench) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(print))
    sent: dict[int, list[int]] = {partition: [] for partition in range(PARTITIONS)}
    for run in range(3):
        for partition in range(PARTITIONS):
            sent[partition] += bench.send(*range(partition + run), partition=partition)
        hands.sequence()
    for partition in range(PARTITIONS):
        assert ids_in_order(bench, partition) == sent[partition]
    assert sequences(bench.database) == [len(sent[partition]) for partition in range(PARTITIONS)]


def test_one_pass_takes_up_to_the_limit_of_every_partition_and_leaves_the_rest_to_the_next(
    bench: Bench,
) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(print), sequencer_tuning=SMALL)
    flood = bench.send(*range(35))
    single = bench.send("x", partition=1)
    hands.look()
    found = []
    while hands.stages.sequencing.ready_count:
        hands._sequencer.run_once()
        found.append((len(numbered(bench, 0)), len(numbered(bench, 1))))
    assert found == [(10, 1), (20, 1), (30, 1), (35, 1)]
    assert ids_in_order(bench, 0) == flood
    assert ids_in_order(bench, 1) == single


def test_a_flooded_partition_does_not_keep_others_waiting(bench: Bench) -> None:
    order: list[int] = []
    hands = bench.by_hand(
        lambda queue: queue.leased(lambda msg: order.append(msg.partition)), sequencer_tuning=SMALL
    )

    def round_of_work() -> None:
        hands._sequencer.run_once()
        hands._processor.run_once()

    # A limit far below the flood: it takes two hundred passes.
    bench.send(*range(2_000))
    hands.look()
    round_of_work()
    assert set(order) == {0}
    bench.send("x", partition=1)
    hands.stages.enqueued(bench.ids[1:2])
    # It may have to wait for the one turn that has begun.
    round_of_work()
    round_of_work()
    assert 1 in order


def test_a_pass_that_finds_nothing_writes_nothing(bench: Bench) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(print))
    bench.send("a")
    hands.sequence()

    def rows() -> list[tuple[Any, ...]]:
        version = "ctid, xmin, " if bench.database.backend == "postgresql" else ""
        return bench.database.query(f"SELECT {version}t.* FROM outbox_partitions t ORDER BY id")

    before = rows()
    hands.stages.enqueued(bench.ids)
    assert hands._sequencer.run_once() == Idle()
    assert rows() == before
