from __future__ import annotations

from outbox.backends.protocol import Backend
from outbox.backends.records import Settlement
from tests.contract.actor import Actor


def test_a_new_partition_has_nothing_to_show(store: Backend, ids: list[int]) -> None:
    for index, status in enumerate(store.partition_status(ids)):
        assert (status.partition_id, status.queue, status.partition) == (ids[index], "orders", index)
        assert (status.incoming, status.sequence, status.processed_seq, status.vacuumed_seq) == (0, 0, 0, 0)
        assert (status.attempts, status.last_error, status.locked_by) == (0, None, None)
        assert (status.oldest_age, status.locked_for) == (None, None)


def test_status_shows_backlog_lease_and_age(store: Backend, ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a", b"b", b"c")
    actor.producer.send(ids[0], b"d", b"e")
    actor.take(ids[0], limit=1)
    actor.settle(Settlement(ids[0], 1, next_limit=1), lease=20.0)

    (status,) = store.partition_status(ids[:1])

    assert (status.incoming, status.sequence, status.processed_seq, status.vacuumed_seq) == (2, 3, 1, 0)
    assert (status.attempts, status.locked_by) == (1, "mine")
    assert status.locked_for is not None
    assert 10 < status.locked_for <= 20
    assert isinstance(status.oldest_age, float)
    assert 0 <= status.oldest_age < 60


def test_status_shows_a_failure_and_its_backoff(store: Backend, ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a")
    actor.take(ids[0])
    actor.settle(Settlement(ids[0], 0, attempts=1, last_error="no", delay=20.0))

    (status,) = store.partition_status(ids[:1])

    assert (status.attempts, status.last_error, status.locked_by) == (1, "no", None)
    assert status.locked_for is not None
    assert 10 < status.locked_for <= 20


def test_an_expired_lease_shows_no_time_left(store: Backend, ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a")
    actor.take(ids[0])
    actor.expire(ids[0])

    (status,) = store.partition_status(ids[:1])

    assert (status.locked_by, status.locked_for) == ("mine", None)


def test_there_are_no_dead_letters_to_count_at_first(store: Backend) -> None:
    assert store.dead_letter_counts() == {}
