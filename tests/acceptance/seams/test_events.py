"""Each event is told once, after the commit that made it true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from outbox import (
    Batch,
    ConfigurationError,
    DeadLetterScope,
    Outbox,
    OutboxMessage,
    Reject,
    Retry,
    WorkerTuning,
    events,
)
from tests.acceptance.bench import QUEUE, Bench, builder_for
from tests.support import eventually

E = TypeVar("E", bound=events.Event)

QUICK_RETRY = WorkerTuning.processor_adaptive().replace(retry_base=0.01)


class Watcher:
    """An observer that keeps what it is told."""

    def __init__(self, on_event: Callable[[events.Event], object] | None = None) -> None:
        self.told: list[events.Event] = []
        self.on_event = on_event

    def __call__(self, event: events.Event) -> None:
        if self.on_event is not None:
            self.on_event(event)
        self.told.append(event)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.told if isinstance(event, kind)]


@pytest.mark.parametrize("mode", ["leased", "transactional"])
def test_a_delivery_a_retry_and_a_dead_letter_are_told_with_their_place(bench: Bench, mode: str) -> None:
    def handler(msg: OutboxMessage) -> Retry | Reject | None:
        if msg.seq == 2:
            return Reject("bad")
        return Retry("busy", delay=30) if msg.seq == 4 else None

    watcher = Watcher()
    hands = bench.by_hand(
        lambda queue: (
            queue.leased(handler)
            if mode == "leased"
            else queue.transactional(lambda _conn, msg: handler(msg))
        ),
        observe=watcher,
    )
    ids = bench.send("a", "b", "c", "d", partition=1)
    hands.work()

    place: Any = {"queue": QUEUE, "partition": 1, "partition_id": bench.ids[1]}
    assert watcher.of(events.Sequenced) == [events.Sequenced(**place, first_seq=1, count=4)]
    [delivered] = watcher.of(events.Delivered)
    assert delivered.seconds > 0
    assert delivered.waited is not None
    assert 0 <= delivered.waited < 600
    assert delivered == events.Delivered(
        **place,
        mode=mode,  # type: ignore[arg-type]
        outcome="retry",
        first_seq=1,
        count=3,
        dead_lettered=1,
        first_message_id=ids[0],
        attempts=0,
        seconds=delivered.seconds,
        waited=delivered.waited,
    )
    assert delivered.last_seq == 3
    assert watcher.of(events.DeadLettered) == [
        events.DeadLettered(**place, seq=2, message_id=ids[1], attempts=1, reason="bad")
    ]
    assert watcher.of(events.Retried) == [
        events.Retried(**place, seq=4, message_id=ids[3], attempts=1, reason="busy", delay=30.0)
    ]
    assert hands.pipeline.counters.snapshot()["processed"] == 3


def test_what_is_told_is_committed(bench: Bench) -> None:
    cursors: list[int] = []

    def look(event: events.Event) -> None:
        if isinstance(event, events.Delivered):
            cursors.append(bench.row().cursor)

    hands = bench.by_hand(lambda queue: queue.leased(lambda _msg: None), observe=Watcher(look))
    bench.send("a", "b")
    hands.work()
    assert cursors == [2]


def test_an_exception_is_told_with_its_message_before_the_retry(bench: Bench) -> None:
    error = ValueError("no lines")

    def handler(msg: OutboxMessage) -> None:
        if msg.seq == 2:
            raise error

    watcher = Watcher()
    hands = bench.by_hand(lambda queue: queue.leased(handler), observe=watcher)
    ids = bench.send("a", "b")
    hands.work()
    [failed] = watcher.of(events.HandlerFailed)
    assert (failed.seq, failed.message_id, failed.error) == (2, ids[1], error)
    kinds = [type(event) for event in watcher.told]
    assert kinds.index(events.HandlerFailed) < kinds.index(events.Delivered) < kinds.index(events.Retried)


def test_an_exception_after_everything_was_acknowledged_charges_no_message(bench: Bench) -> None:
    def handler(batch: Batch) -> None:
        batch.ack_chunk(len(batch.next_chunk(9)))
        raise ValueError("too late to matter")

    watcher = Watcher()
    hands = bench.by_hand(lambda queue: queue.leased_batch(handler, max_attempts=1), observe=watcher)
    bench.send("a")
    hands.work()
    bench.send("b")
    hands.work()
    assert (bench.row().cursor, bench.row().attempts, bench.dead()) == (2, 0, [])
    assert [failed.seq for failed in watcher.of(events.HandlerFailed)] == [1, 2]
    assert watcher.of(events.Retried) == []


def test_an_observer_that_raises_harms_nothing(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_event: events.Event) -> None:
        raise RuntimeError("the observer is broken")

    watcher = Watcher()
    seen: list[int] = []
    hands = bench.by_hand(
        lambda queue: queue.leased(lambda msg: seen.append(msg.seq)).observe(broken).observe(watcher)
    )
    bench.send("a", "b", "c")
    hands.work()
    assert seen == [1, 2, 3]
    assert bench.row().cursor == 3
    assert [event.count for event in watcher.of(events.Delivered)] == [3]
    assert len([r for r in caplog.records if r.name == "outbox.observers"]) == 1


def test_enqueued_is_told_after_the_commit_of_a_transaction_of_ours_and_not_after_its_rollback(
    bench: Bench,
) -> None:
    watcher = Watcher()
    with builder_for(
        bench.database.url, lambda queue: queue.enqueue_only(), observe=watcher
    ).open() as outbox:
        with pytest.raises(ZeroDivisionError):
            roll_back(outbox)
        outbox.flush()
        assert watcher.told == []
        with outbox.transaction() as conn:
            ids = [outbox.enqueue(conn, QUEUE, body, partition=body) for body in (2, 0)]
            assert watcher.told == []
        told = [(event.queue, event.message_ids, event.partitions) for event in watcher.of(events.Enqueued)]
        assert told == [(QUEUE, (ids[0],), (2,)), (QUEUE, (ids[1],), (0,))]


def roll_back(outbox: Outbox) -> None:
    with outbox.transaction() as conn:
        outbox.enqueue(conn, QUEUE, "lost")
        _ = 1 // 0


def test_enqueued_is_told_by_flush_where_the_connection_does_not_tell_when_it_commits(bench: Bench) -> None:
    watcher = Watcher()
    with builder_for(
        bench.database.url, lambda queue: queue.enqueue_only(), observe=watcher
    ).open() as outbox:
        conn = bench.database.connect()
        if bench.database.backend == "sqlite":
            conn.execute("BEGIN")
        message_id = outbox.enqueue(conn, QUEUE, "a")
        conn.commit()
        assert watcher.told == []
        outbox.flush()
        outbox.flush()
        assert [event.message_ids for event in watcher.of(events.Enqueued)] == [(message_id,)]


def test_enqueued_is_told_by_the_commit_of_sqlalchemy_and_not_by_its_rollback(bench: Bench) -> None:
    watcher = Watcher()
    engine = bench.database.engine()
    with builder_for(
        bench.database.url, lambda queue: queue.enqueue_only(), observe=watcher
    ).open() as outbox:
        with engine.connect() as conn:
            outbox.enqueue(conn, QUEUE, "lost")
            conn.rollback()
            message_id = outbox.enqueue(conn, QUEUE, "kept")
            assert watcher.told == []
            conn.commit()
            assert [event.message_ids for event in watcher.of(events.Enqueued)] == [(message_id,)]
        outbox.flush()
        assert len(watcher.told) == 1


def test_requeued_letters_are_told_after_the_commit(bench: Bench) -> None:
    watcher = Watcher()
    hands = bench.by_hand(lambda queue: queue.leased(lambda _msg: Reject("no")), observe=watcher)
    bench.send("a", "b")
    hands.work()
    assert hands.outbox.dead_letters.requeue(DeadLetterScope(queue="other")) == []
    ids = hands.outbox.dead_letters.requeue(DeadLetterScope(queue=QUEUE))
    assert watcher.of(events.Requeued) == [
        events.Requeued(count=2, message_ids=tuple(ids), partition_ids=(bench.ids[0],))
    ]


def test_workers_that_fail_and_recover_and_what_the_vacuum_deletes_are_told(bench: Bench) -> None:
    watcher = Watcher()
    handle = bench.on_threads(lambda queue: queue.leased(lambda _msg: None), observe=watcher)
    bench.send("a")
    handle.outbox.flush()
    eventually(lambda: sum(event.count for event in watcher.of(events.Vacuumed)) == 1)
    bench.database.execute("ALTER TABLE outbox_incoming RENAME TO away")
    eventually(lambda: bool(watcher.of(events.WorkerFailed)))
    bench.database.execute("ALTER TABLE away RENAME TO outbox_incoming")
    eventually(lambda: not handle.stats().failing, 20)
    failed = {event.worker for event in watcher.of(events.WorkerFailed)}
    eventually(lambda: {event.worker for event in watcher.of(events.WorkerRecovered)} >= failed)
    assert all(event.seconds >= 0 for event in watcher.of(events.WorkerRecovered))


@pytest.mark.parametrize("observer", [3, lambda: None])
def test_an_observer_that_cannot_be_called_with_an_event_is_refused_at_once(observer: Any) -> None:
    with pytest.raises(ConfigurationError, match="observe"):
        Outbox.builder("sqlite:///unused.db").observe(observer)
