"""An ack that is carried out while its answer gets lost."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from outbox import Batch, OutboxMessage, Reject, Retry, WorkerTuning
from outbox.backends.protocol import Backend
from outbox.backends.records import SettleResult
from outbox.errors import ConnectionLost
from tests.acceptance.bench import PARTITIONS, Bench, Hands, Row, at_rest, send_everywhere, warm_up


@contextmanager
def answers_lost(hands: Hands, times: int = 1) -> Iterator[list[SettleResult]]:
    """Let the database carry out the next acks and drop its answers, as a connection does that is cut then."""
    backend: Backend = hands.pipeline.backend
    send = backend.settle_and_read
    dropped: list[SettleResult] = []

    def cut(*args: object, **options: object) -> SettleResult:
        answer = send(*args, **options)  # type: ignore[arg-type]
        if len(dropped) < times:
            dropped.append(answer)
            raise ConnectionLost("cut")
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "settle_and_read", cut)
        yield dropped


def counters(hands: Hands) -> dict[str, int]:
    found = hands.pipeline.counters.snapshot()
    names = ("processed", "retried", "dead_lettered", "lost_leases")
    return {name: found[name] for name in names if found.get(name)}


def test_a_released_lease_whose_answer_was_lost_counts_as_the_success_it_was(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[tuple[int, int]] = []
    hands = bench.by_hand(lambda queue: queue.leased(lambda msg: seen.append((msg.seq, msg.attempts))))
    bench.send("a", "b")
    with caplog.at_level(logging.WARNING), answers_lost(hands) as dropped:
        hands.work()
    assert dropped[0].released == [bench.ids[0]]
    assert seen == [(1, 0), (2, 0)]
    assert bench.row() == at_rest(2)
    assert counters(hands) == {"processed": 2}
    assert "lost" not in caplog.text


def test_a_lease_that_was_kept_is_read_on_although_the_answer_was_lost(bench: Bench) -> None:
    seen: list[tuple[int, int]] = []
    hands = bench.by_hand(
        lambda queue: queue.leased(
            lambda msg: seen.append((msg.seq, msg.attempts)), tuning=WorkerTuning.processor().batch_size(1)
        )
    )
    bench.send("a", "b", "c")
    with answers_lost(hands, times=2) as dropped:
        hands.turn()
    assert [answer.released for answer in dropped] == [[], []]
    assert seen == [(1, 0), (2, 0), (3, 0)]
    assert counters(hands) == {"processed": 3}


def test_a_group_whose_answer_was_lost_goes_on_where_there_is_more_and_ends_elsewhere(bench: Bench) -> None:
    seen: list[tuple[int, object]] = []
    hands = bench.by_hand(lambda queue: queue.leased(lambda msg: seen.append((msg.partition, msg.json()))))
    warm_up(hands)
    before = counters(hands)["processed"]
    seen.clear()
    send_everywhere(hands.outbox, "x")
    bench.send(*range(600), partition=1)  # more than a batch
    with answers_lost(hands) as dropped:
        hands.work()
    assert len(dropped[0].released) == PARTITIONS - 1
    assert [partition for partition, body in seen if body == "x"] == list(range(PARTITIONS))
    assert [body for partition, body in seen if partition == 1] == ["x", *range(600)]
    assert counters(hands) == {"processed": before + PARTITIONS + 600}


@pytest.mark.parametrize(
    ("answer", "row", "expected"),
    [
        (Retry("later", delay=60.0), Row(0, 1, "later", None, True), {"retried": 1}),
        (Reject("bad"), at_rest(1), {"processed": 1, "dead_lettered": 1}),
    ],
    ids=["retry", "reject"],
)
def test_failures_whose_answer_was_lost_are_counted_and_reported_once(
    bench: Bench, answer: Retry | Reject, row: Row, expected: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(lambda _msg: answer))
    bench.send("a")
    with caplog.at_level(logging.WARNING), answers_lost(hands):
        hands.work()
    assert bench.row() == row
    assert len(bench.dead()) == expected.get("dead_lettered", 0)
    assert counters(hands) == expected
    [line] = [record.getMessage() for record in caplog.records if record.name == "outbox.workers.processor"]
    assert answer.reason in line


def test_a_partition_that_somebody_took_after_the_release_was_still_ours(bench: Bench) -> None:
    other = bench.by_hand(lambda queue: queue.leased(lambda msg: seen.append(("other", msg.seq))))
    seen: list[tuple[str, int]] = []

    def ours(msg: OutboxMessage) -> None:
        seen.append(("ours", msg.seq))

    hands = bench.by_hand(lambda queue: queue.leased(ours))
    bench.send("a")
    backend = hands.pipeline.backend
    send = backend.settle_and_read
    calls: list[int] = []

    def overtaken(*args: object, **options: object) -> SettleResult:
        answer = send(*args, **options)  # type: ignore[arg-type]
        calls.append(1)
        if len(calls) == 1:
            bench.send("b")
            other.work()
            raise ConnectionLost("cut")
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "settle_and_read", overtaken)
        hands.turn()
    assert seen == [("ours", 1), ("other", 2)]
    assert counters(hands) == {"processed": 1}


def test_a_lease_that_is_really_lost_is_so_after_a_lost_answer_too(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(batch: Batch) -> None:
        bench.database.execute(
            "UPDATE outbox_processor SET locked_by = NULL, locked_until = NULL, attempts = 0"
        )
        batch.next_chunk(len(batch))

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler))
    bench.send("a")
    with caplog.at_level(logging.WARNING), answers_lost(hands):
        hands.turn()
    assert counters(hands) == {"lost_leases": 1}
    assert bench.row().cursor == 0
    assert "lease lost before the ack" in caplog.text
