from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from functools import partial

import pytest

from outbox.backends.protocol import Backend
from outbox.backends.records import Refusal, RefusalKind, Settlement
from tests.contract.actor import Actor, payloads
from tests.contract.crew import Crew
from tests.contract.producer import Producer
from tests.support import Database


def test_a_free_partition_is_leased_and_read_in_order(ids: list[int], actor: Actor) -> None:
    sent = actor.deliverable(ids[0], b"a", b"b", b"c")

    delivery = actor.take(ids[0])

    assert (delivery.partition_id, delivery.cursor, delivery.attempts, delivery.crashed) == (
        ids[0],
        0,
        0,
        False,
    )
    assert [message.seq for message in delivery.messages] == [1, 2, 3]
    assert [message.message_id for message in delivery.messages] == sent
    assert payloads(delivery) == [b"a", b"b", b"c"]
    assert actor.row(ids[0]) == (0, 1, None, "mine", True)


def test_a_message_comes_out_as_it_went_in(
    store: Backend, ids: list[int], actor: Actor, producer: Producer
) -> None:
    every_byte = bytes(range(256)) * 2
    producer.put(ids[0], every_byte, "text/x; a=b", '{"key":"Grüße \\u0000"}')
    producer.put(ids[0], b"", "t", None)
    producer.commit()
    store.sequence(ids, 10)

    first, second = actor.take(ids[0]).messages

    assert first.payload == every_byte
    assert isinstance(first.payload, bytes)
    assert (first.payload_type, first.headers) == ("text/x; a=b", '{"key":"Grüße \\u0000"}')
    assert (second.payload, second.payload_type, second.headers) == (b"", "t", None)
    assert first.created_at is not None
    assert first.created_at.utcoffset() == timedelta(0)
    assert abs(datetime.now(timezone.utc) - first.created_at) < timedelta(minutes=1)


def test_a_partition_with_nothing_to_deliver_is_idle_and_stays_untouched(
    ids: list[int], actor: Actor
) -> None:
    assert actor.refusal(ids[0]) == Refusal(ids[0], RefusalKind.IDLE)
    assert actor.row(ids[0]) == (0, 0, None, None, False)


def test_a_leased_partition_is_held_for_as_long_as_the_lease_runs(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a")
    actor.take(ids[0], lease=20.0)

    refusal = actor.refusal(ids[0], token="other")

    assert refusal.kind is RefusalKind.HELD
    assert 10 < refusal.retry_in <= 20
    assert actor.row(ids[0]) == (0, 1, None, "mine", True)


def test_half_a_second_of_a_lease_is_half_a_second(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a")
    began = time.monotonic()
    actor.take(ids[0], lease=20.5)

    left = actor.refusal(ids[0]).retry_in
    # The two clocks may differ by a little.
    assert 20.5 - (time.monotonic() - began) - 0.02 <= left <= 20.5


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_partition_whose_row_is_locked_is_skipped_at_once(
    ids: list[int], actor: Actor, migrated: Database
) -> None:
    actor.deliverable(ids[0], b"a")
    actor.deliverable(ids[1], b"b")
    other = migrated.connect()
    other.cursor().execute(f"SELECT attempts FROM outbox_processor WHERE partition_id = {ids[0]} FOR UPDATE")

    taken = actor.lease(ids[0], ids[1])

    assert [delivery.partition_id for delivery in taken.deliveries] == [ids[1]]
    assert [(refusal.partition_id, refusal.kind) for refusal in taken.refusals] == [
        (ids[0], RefusalKind.LOCKED)
    ]
    other.rollback()


def test_a_group_is_leased_at_once_with_a_limit_for_each(ids: list[int], actor: Actor) -> None:
    for partition_id in ids[:3]:
        actor.deliverable(partition_id, b"1", b"2", b"3")

    taken = actor.lease(*ids, limit=2)

    assert [(found.partition_id, payloads(found)) for found in taken.deliveries] == [
        (partition_id, [b"1", b"2"]) for partition_id in ids[:3]
    ]
    assert taken.refusals == [Refusal(ids[3], RefusalKind.IDLE)]


def test_a_group_never_takes_a_partition_with_failed_starts(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"bad")
    actor.deliverable(ids[1], b"good")
    actor.take(ids[0])
    actor.settle(Settlement(ids[0], 0, attempts=1, last_error="no"))

    taken = actor.lease(ids[0], ids[1])

    assert [found.partition_id for found in taken.deliveries] == [ids[1]]
    assert taken.refusals == [Refusal(ids[0], RefusalKind.ISOLATE)]
    assert actor.row(ids[0]) == (0, 1, "no", None, False)


def test_failed_starts_are_handed_over_when_asked_for_alone(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a", b"b")
    for attempt in range(3):
        delivery = actor.take(ids[0])
        assert (delivery.attempts, delivery.crashed, len(delivery.messages)) == (attempt, False, 2)
        assert delivery.last_error == ("no" if attempt else None)
        actor.settle(Settlement(ids[0], 0, attempts=attempt + 1, last_error="no"))


def test_a_cautious_worker_gets_a_failed_head_alone(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a", b"b")
    assert len(actor.take(ids[0], one_if_failed=True).messages) == 2
    actor.settle(Settlement(ids[0], 0, attempts=1))

    assert payloads(actor.take(ids[0], one_if_failed=True)) == [b"a"]


def test_after_an_unexplained_start_the_head_comes_alone(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a", b"b")
    actor.take(ids[0])
    actor.expire(ids[0])

    delivery = actor.take(ids[0], token="next")

    assert (delivery.attempts, delivery.crashed, payloads(delivery)) == (1, True, [b"a"])
    assert actor.row(ids[0])[1:4] == (2, None, "next")


def test_attempts_grow_beyond_small_integers(ids: list[int], actor: Actor, migrated: Database) -> None:
    actor.deliverable(ids[0], b"a")
    migrated.execute("UPDATE outbox_processor SET attempts = 32768 WHERE partition_id = ?", ids[0])

    assert actor.take(ids[0]).attempts == 32768
    assert actor.row(ids[0])[1] == 32769


def test_a_batch_ends_with_the_message_that_reaches_the_byte_budget(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"x" * 60, b"y" * 60, b"z" * 60)
    actor.deliverable(ids[1], b"x" * 10, b"y" * 10, b"z" * 10)

    small, other = actor.lease(ids[0], ids[1], max_bytes=100).deliveries

    assert [message.seq for message in small.messages] == [1, 2]
    assert [message.seq for message in other.messages] == [1, 2, 3]


def test_the_first_message_passes_any_byte_budget(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"x" * 1000, b"y")

    assert payloads(actor.take(ids[0], max_bytes=10)) == [b"x" * 1000]


def test_headers_count_towards_the_bytes_of_a_batch(ids: list[int], actor: Actor, producer: Producer) -> None:
    for n in range(5):
        producer.put(ids[0], b"%d" % n, headers=f'{{"trace":"{"x" * 1_000}"}}')
    producer.commit()
    actor.store.sequence(ids, 10)
    assert payloads(actor.take(ids[0], max_bytes=2_500)) == [b"0", b"1", b"2"]


def test_a_message_without_a_body_is_handed_over_as_missing(
    ids: list[int], actor: Actor, migrated: Database
) -> None:
    _, lost, _ = actor.deliverable(ids[0], b"a", b"lost", b"c")
    migrated.execute("DELETE FROM outbox_body WHERE id = ?", lost)

    delivery = actor.take(ids[0])

    assert payloads(delivery) == [b"a", None, b"c"]
    assert delivery.messages[1] == (2, lost, *[None] * 7)


def test_racing_workers_never_share_a_partition(ids: list[int], actor: Actor) -> None:
    for partition_id in ids:
        actor.deliverable(partition_id, b"a")
    owners: list[tuple[int, str]] = []

    def work(token: str) -> None:
        owners.extend((found.partition_id, token) for found in actor.lease(*ids, token=token).deliveries)

    Crew().run(*[partial(work, f"t{n}") for n in range(6)])

    assert sorted(partition_id for partition_id, _ in owners) == ids
    assert {partition_id: actor.row(partition_id)[3] for partition_id in ids} == dict(owners)
