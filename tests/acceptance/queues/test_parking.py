"""Keys whose messages wait apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from outbox import ConfigurationError, DeadLetterFilter, Outbox, OutboxMessage, ParkLimits, Partitions, Reject
from outbox.facade import OutboxBuilder, QueueBuilder
from tests.acceptance.bench.bench import QUEUE, Bench, at_rest

MODES = pytest.mark.parametrize("mode", ["leased", "transactional"])


def keys_of(partition: int, number: int) -> list[str]:
    """Return keys that all belong to one partition of the bench's queue."""
    found = (f"key-{n}" for n in range(1000) if Partitions.of(4).for_key(f"key-{n}") == partition)
    return [next(found) for _ in range(number)]


A, B = keys_of(0, 2)


class Shop:
    """A queue with parking, and what its handler has seen as (key, payload)."""

    def __init__(self, bench: Bench, mode: str = "leased", **options: Any) -> None:
        self.bench = bench
        self.mode = mode
        self.options = {"max_attempts": 1, "on_give_up": "park_key", **options}
        self.seen: list[tuple[str | None, bytes]] = []
        self.uids: list[str] = []
        self.bad: set[bytes] = set()
        self.hands = self.more_hands()

    def more_hands(self) -> Any:
        """Return the workers of one more process."""
        return self.bench.by_hand(self.declare)

    def declare(self, queue: QueueBuilder) -> OutboxBuilder:
        def handle(msg: OutboxMessage) -> None:
            if msg.payload in self.bad:
                raise ValueError("broken")
            self.seen.append((msg.key, msg.payload))
            self.uids.append(msg.uid)

        handler: Callable[..., Any] = handle if self.mode == "leased" else lambda conn, msg: handle(msg)
        declare: Callable[..., OutboxBuilder] = getattr(queue, self.mode)
        return declare(handler, **self.options)

    def send(self, key: str | None, *payloads: bytes) -> None:
        with self.bench.producer.transaction() as conn:
            for payload in payloads:
                self.bench.producer.enqueue(
                    conn, QUEUE, payload, **({"partition": 0} if key is None else {"key": key})
                )


@MODES
def test_a_key_waits_in_order_while_the_others_of_its_partition_flow(bench: Bench, mode: str) -> None:
    shop = Shop(bench, mode)
    shop.bad = {b"a1"}
    shop.send(A, b"a1")
    shop.send(B, b"b1")
    shop.send(A, b"a2")
    shop.send(B, b"b2")
    shop.hands.work()
    shop.send(A, b"a3")
    shop.send(B, b"b3")
    shop.hands.work()

    assert shop.seen == [(B, b"b1"), (B, b"b2"), (B, b"b3")]
    assert bench.dead() == []
    parked = bench.producer.parked
    [key] = parked.list()
    assert (key.queue, key.partition, key.key, key.messages) == (QUEUE, 0, A, 3)
    assert key.last_error == "ValueError: broken"
    assert (parked.count(), parked.count_messages(), parked.count("other")) == (1, 3, 0)

    shop.bad.clear()
    shop.seen.clear()
    shop.send(A, b"a4")
    assert parked.release(QUEUE, A) == 3
    shop.send(A, b"a5")
    shop.hands.work()
    assert shop.seen == [(A, payload) for payload in (b"a1", b"a2", b"a3", b"a4", b"a5")]
    assert (parked.count(), parked.release(QUEUE, A)) == (0, 0)


def test_released_messages_come_before_those_that_have_a_number_already(bench: Bench) -> None:
    shop = Shop(bench)
    shop.bad = {b"a1"}
    shop.send(A, b"a1")
    shop.hands.work()
    shop.send(A, b"a2")
    shop.send(B, b"b1")
    shop.hands.sequence()
    shop.bad.clear()

    assert bench.producer.parked.release(QUEUE, A) == 1
    shop.hands.work()

    assert shop.seen == [(B, b"b1"), (A, b"a1"), (A, b"a2")]
    assert len(set(shop.uids)) == 3


def test_released_messages_keep_their_uid_and_what_fails_again_is_parked_again(bench: Bench) -> None:
    shop = Shop(bench)
    shop.send(A, b"a0")
    shop.hands.work()
    shop.bad = {b"a1"}
    shop.send(A, b"a1", b"a2")
    shop.hands.work()
    bench.producer.parked.release(QUEUE, A)
    shop.hands.work()
    assert shop.seen == [(A, b"a0")]
    assert bench.producer.parked.count_messages() == 2

    shop.bad.clear()
    bench.producer.parked.release(QUEUE, A)
    shop.hands.work()

    assert shop.seen == [(A, b"a0"), (A, b"a1"), (A, b"a2")]
    names = bench.database.query("SELECT uid FROM outbox_body WHERE uid IS NOT NULL")
    assert len(shop.uids) == len(set(shop.uids)) == 3
    assert {uid for (uid,) in names} <= set(shop.uids)


def test_a_release_while_a_worker_has_read_the_batch_loses_and_doubles_nothing(bench: Bench) -> None:
    shop = Shop(bench)
    shop.bad = {b"a1"}
    shop.send(A, b"a1")
    shop.hands.work()
    shop.bad.clear()

    shop.send(B, b"b1")
    shop.send(A, b"a2")

    def handle(msg: OutboxMessage) -> None:
        if not shop.seen:
            assert bench.producer.parked.release(QUEUE, A) == 1
        shop.seen.append((msg.key, msg.payload))

    hands = bench.by_hand(lambda queue: queue.leased(handle, max_attempts=1, on_give_up="park_key"))
    hands.work()
    hands.work()

    assert shop.seen == [(B, b"b1"), (A, b"a1"), (A, b"a2")]
    assert bench.producer.parked.count() == 0


def test_two_processes_agree_on_what_waits(bench: Bench) -> None:
    shop = Shop(bench)
    other = shop.more_hands()
    shop.bad = {b"a1"}
    shop.send(A, b"a1")
    shop.hands.work()
    shop.send(A, b"a2")
    other.work()
    shop.bad.clear()
    bench.producer.parked.release(QUEUE, A)
    shop.send(A, b"a3")
    shop.hands.work()
    other.work()

    assert shop.seen == [(A, b"a1"), (A, b"a2"), (A, b"a3")]


def test_discarded_messages_are_discarded_letters_and_later_ones_flow(bench: Bench) -> None:
    shop = Shop(bench)
    shop.bad = {b"a1"}
    shop.send(A, b"a1", b"a2")
    shop.hands.work()
    shop.send(A, b"a3")
    shop.hands.sequence()

    assert bench.producer.parked.discard(QUEUE, A) == 2
    shop.hands.work()

    assert shop.seen == [(A, b"a3")]
    letters = bench.producer.dead_letters.list(DeadLetterFilter(status=None))
    assert [(letter.payload, letter.status.value, letter.key) for letter in letters[::-1]] == [
        (b"a1", "discarded", A),
        (b"a2", "discarded", A),
    ]


def test_rejected_messages_and_those_without_a_key_are_dead_letters(bench: Bench) -> None:
    def handle(msg: OutboxMessage) -> None:
        raise Reject("no") if msg.key else ValueError("broken")

    hands = bench.by_hand(lambda queue: queue.leased(handle, max_attempts=1, on_give_up="park_key"))
    shop = Shop(bench)
    shop.send(A, b"a1")
    shop.send(None, b"plain")
    hands.work()

    assert [letter.reason for letter in bench.dead()] == ["no", "ValueError: broken"]
    assert bench.producer.parked.count() == 0


def test_at_the_limits_the_partition_stands_still_and_no_order_is_given_up(bench: Bench) -> None:
    shop = Shop(bench, park_limits=ParkLimits(keys=1, messages=2))
    shop.bad = {b"a1", b"b1"}
    shop.send(A, b"a1", b"a2")
    shop.hands.work()
    shop.send(B, b"b1")
    shop.hands.work()
    assert bench.row().cursor == 2, "a second key is not parked, but tried again"
    assert bench.dead() == []
    shop.bad.clear()
    bench.end_backoff()
    shop.hands.work()
    shop.send(A, b"a3")
    shop.send(B, b"b2")
    shop.hands.work()
    assert (bench.row().cursor, shop.seen) == (3, [(B, b"b1")])
    assert "release or discard" in str(bench.row().error)

    bench.producer.parked.release(QUEUE, A)
    bench.end_backoff()
    shop.hands.work()

    assert shop.seen == [(B, b"b1"), (B, b"b2"), (A, b"a1"), (A, b"a2"), (A, b"a3")]
    assert bench.row() == at_rest(bench.row().cursor)


def test_parking_is_refused_where_it_cannot_work(bench: Bench) -> None:
    def queue() -> QueueBuilder:
        return Outbox.builder(bench.database.url).queue("refused", 1)

    with pytest.raises(ConfigurationError, match="max_attempts"):
        queue().leased(print, on_give_up="park_key")
    with pytest.raises(ConfigurationError, match="give one of"):
        queue().leased(print, max_attempts=1, on_give_up="shrug")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="park_limits"):
        queue().leased(print, max_attempts=1, park_limits=ParkLimits())


def test_an_operator_pauses_a_key(bench: Bench) -> None:
    shop = Shop(bench)
    bench.producer.pause(QUEUE, key=A)
    shop.send(A, b"a1")
    shop.send(B, b"b1")
    shop.hands.work()

    assert shop.seen == [(B, b"b1")]
    assert [(key.key, key.messages, key.last_error) for key in bench.producer.parked.list()] == [(A, 1, None)]
    assert bench.producer.status().parked_messages == 1

    assert bench.producer.resume(QUEUE, key=A) == 1
    shop.hands.work()
    assert shop.seen == [(B, b"b1"), (A, b"a1")]
    assert bench.database.count("outbox_parked") == 0
