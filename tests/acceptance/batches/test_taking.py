"""How a batch handler takes its messages."""

from __future__ import annotations

from outbox import Batch, LeaseConfig
from tests.acceptance.bench import Bench, Row
from tests.support import eventually

DONE = Row(cursor=7, attempts=0, error=None, token=None, held=False)


def test_a_batch_is_iterated_in_order_and_counted(bench: Bench) -> None:
    seen: list[tuple[int, object]] = []
    lengths: list[int] = []

    def handler(batch: Batch) -> None:
        lengths.append(len(batch))
        seen.extend((msg.seq, msg.json()) for msg in batch)

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler))
    bench.send(*"abcdefg")
    hands.turn()
    assert lengths == [7]
    assert seen == list(enumerate("abcdefg", start=1))
    assert bench.row() == DONE


def test_seven_messages_come_in_chunks_of_three_three_and_one(bench: Bench) -> None:
    chunks: list[list[int]] = []
    processed: list[int] = []

    def handler(batch: Batch) -> None:
        while chunk := batch.next_chunk(3):
            chunks.append([msg.seq for msg in chunk])
            batch.ack_chunk(len(chunk))
            processed.append(batch.processed)

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler))
    bench.send(*"abcdefg")
    hands.turn()
    assert chunks == [[1, 2, 3], [4, 5, 6], [7]]
    assert processed == [3, 6, 7]
    assert bench.row() == DONE


def test_a_batch_is_of_one_partition_however_many_wait(bench: Bench) -> None:
    seen: list[tuple[int, int]] = []
    partitions: list[set[int]] = []

    def handler(batch: Batch) -> None:
        partitions.append({msg.partition for msg in batch.messages})
        seen.extend((msg.partition, msg.seq) for msg in batch)

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler))
    for partition in (0, 1, 2):
        bench.send(*"abcde", partition=partition)
    hands.work()
    assert all(len(indexes) == 1 for indexes in partitions)
    assert sorted(seen) == [(partition, seq) for partition in (0, 1, 2) for seq in range(1, 6)]


def test_a_batch_tells_when_to_stop_and_how_long_is_left(bench: Bench) -> None:
    told: list[tuple[bool, bool]] = []

    def handler(batch: Batch) -> None:
        told.append((batch.cancelled, batch.remaining() > 0))
        eventually(lambda: batch.cancelled)
        told.append((batch.cancelled, batch.remaining() > 0))

    lease = LeaseConfig(30, headroom=29.7)
    hands = bench.by_hand(lambda queue: queue.leased_batch(handler, lease=lease))
    bench.send("a")
    hands.turn()
    assert told == [(False, True), (True, False)]


def test_a_stop_cancels_a_batch_long_before_its_lease_is_over(bench: Bench) -> None:
    told: list[bool] = []

    def handler(batch: Batch) -> None:
        hands.stopping.set()
        told.append(batch.cancelled)
        batch.next_msg()
        batch.ack()

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler))
    bench.send("a", "b")
    hands.turn()
    assert told == [True]
    assert bench.row() == Row(cursor=1, attempts=0, error=None, token=None, held=False)
