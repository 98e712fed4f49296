"""Give a queue another number of partitions while its workers and producers run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from outbox import (
    ConfigurationError,
    LeaseConfig,
    Outbox,
    OutboxMessage,
    PartitionCountMismatch,
    Partitions,
    QueueNotRegistered,
    WorkerTuning,
)
from outbox.doctor import Patient
from outbox.doctor.checks import resizes
from outbox.facade import OutboxBuilder, QueueBuilder
from outbox.testing import drain
from tests.acceptance.bench.bench import PARTITIONS, QUEUE, Bench
from tests.support import Database, Spawn, eventually

KEYS = [f"key-{n}" for n in range(6)]
# Nothing here is worth a long rest after a failure.
QUICK = WorkerTuning.processor_adaptive().replace(retry_base=0.02, retry_max=0.05)


class Seen:
    """A handler that remembers what came of each key, and fails for some keys."""

    def __init__(self) -> None:
        self.numbers: dict[str, list[int]] = {}
        self.failing: set[str] = set()

    def declare(self, queue: QueueBuilder) -> OutboxBuilder:
        return queue.leased(self.handle, tuning=QUICK)

    def parking(self, queue: QueueBuilder) -> OutboxBuilder:
        return queue.leased(self.handle, max_attempts=1, on_give_up="park_key")

    def handle(self, msg: OutboxMessage) -> None:
        if msg.key in self.failing:
            raise ValueError("failing")
        self.numbers.setdefault(str(msg.key), []).append(int(msg.payload))


def send(outbox: Outbox, number: int, *keys: str, **options: float) -> None:
    """Commit one message of each key."""
    with outbox.transaction() as conn:
        for key in keys or KEYS:
            outbox.enqueue(conn, QUEUE, b"%d" % number, key=key, deliver_after=options.get("deliver_after"))


def opened(bench: Bench, partitions: int) -> Outbox:
    """Return a producer that was started now."""
    return Outbox.builder(bench.database.url).queue(QUEUE, partitions).enqueue_only().open()


def test_a_retired_partition_is_not_taken_for_a_locked_one(bench: Bench) -> None:
    seen = Seen()
    hands = bench.by_hand(seen.declare)
    bench.producer.resize_queue(QUEUE, 8)
    send(bench.producer, 1)
    hands.stages.sequencing.mark(set(bench.ids))
    hands._sequencer.run_once()
    # It has not heard of the resize, and got no row. SQLite has no locks of rows to look for.
    assert hands.pipeline.locks._since or bench.database.backend == "sqlite"

    hands.work()

    assert hands.pipeline.locks._since == {}
    assert sorted(seen.numbers) == KEYS


def test_a_late_commit_of_a_process_that_has_not_heard_of_it_keeps_the_order(bench: Bench) -> None:
    seen = Seen()
    bench.producer.resize_queue(QUEUE, 8)
    hands = bench.by_hand(seen.declare)
    hands.work()
    with opened(bench, 8) as new:
        send(bench.producer, 1)
        send(new, 2)
        # The new partitions are looked at first.
        hands.stages.sequencing.mark(hands.pipeline.stages.consumed - set(bench.ids))
        hands._sequencer.run_once()
        send(bench.producer, 3)
        send(new, 4)
        hands.work()
    assert seen.numbers == {key: [1, 2, 3, 4] for key in KEYS}


@pytest.mark.parametrize("partitions", [1, 16])
def test_new_partitions_wait_for_those_that_may_have_their_keys(bench: Bench, partitions: int) -> None:
    seen = Seen()
    hands = bench.by_hand(seen.declare)
    stuck = KEYS[0]
    seen.failing = {stuck}
    send(bench.producer, 1)
    hands.work()

    assert bench.producer.resize_queue(QUEUE, partitions) is True
    send(bench.producer, 2)
    for _ in range(3):
        hands.work()
    status = bench.producer.status()
    waiting = {row.partition for row in status.partitions if row.state == "resizing"}
    assert [row.is_failing for row in status.partitions if row.retired] == [True]
    behind = Partitions.of(min(PARTITIONS, partitions)).for_key(stuck)
    assert waiting == set(range(behind, partitions, PARTITIONS))
    (found,) = resizes.examine(Patient(bench.producer.backend, bench.database.url))
    assert "queue orders is being resized" in found.text

    seen.failing.clear()
    for partition in range(PARTITIONS):
        bench.end_backoff(partition)
    for _ in range(3):
        hands.work()
    assert seen.numbers == {key: [1, 2] for key in KEYS}
    assert [row.state for row in bench.producer.status().partitions] == ["idle"] * partitions
    assert resizes.examine(Patient(bench.producer.backend, bench.database.url)) == []


def test_a_parked_key_waits_on_in_its_new_partition(bench: Bench) -> None:
    seen = Seen()
    hands = bench.by_hand(seen.parking)
    seen.failing = {KEYS[0]}
    for number in (1, 2):
        send(bench.producer, number)
    hands.work()
    bench.producer.resize_queue(QUEUE, 16)
    send(bench.producer, 3)
    hands.work()

    (parked,) = bench.producer.parked.list(QUEUE)
    assert (parked.key, parked.messages) == (KEYS[0], 3)
    assert (parked.partition, parked.partition_id in bench.ids) == (Partitions.of(16).for_key(KEYS[0]), False)
    seen.failing.clear()
    assert bench.producer.parked.release(QUEUE, KEYS[0]) == 3
    send(bench.producer, 4)
    hands.work()
    assert seen.numbers == {key: [1, 2, 3, 4] for key in KEYS}


def test_a_delayed_message_goes_to_the_partition_of_today_when_it_is_due(bench: Bench) -> None:
    seen = Seen()
    send(bench.producer, 2, deliver_after=3600)
    bench.producer.resize_queue(QUEUE, 2)
    earlier = {"sqlite": "due_at - 7200000000", "postgresql": "due_at - interval '2 hour'"}
    send(bench.producer, 3, deliver_after=3600)
    shift = earlier.get(bench.database.backend, "due_at - INTERVAL 2 HOUR")
    bench.database.execute(f"UPDATE outbox_delayed SET due_at = {shift}")
    send(bench.producer, 1)
    builder = seen.declare(Outbox.builder(bench.database.url).queue(QUEUE, PARTITIONS))
    with builder.open() as outbox:
        assert drain(outbox).processed == 3 * len(KEYS)
    assert {key: sorted(found) for key, found in seen.numbers.items()} == {key: [1, 2, 3] for key in KEYS}
    assert all(found.index(2) < found.index(3) for found in seen.numbers.values())


def test_processes_may_be_started_with_any_number_that_the_queue_has_had(bench: Bench) -> None:
    bench.producer.resize_queue(QUEUE, 8)
    bench.producer.resize_queue(QUEUE, 16)
    for partitions in (4, 8, 16):
        with opened(bench, partitions) as outbox:
            outbox.enqueue_now(QUEUE, b"", partition=15)
            outbox.register_queue(QUEUE, partitions)
    with pytest.raises(PartitionCountMismatch):
        opened(bench, 32)


def test_what_cannot_be_resized_is_refused(bench: Bench) -> None:
    with pytest.raises(ConfigurationError, match="that many already"):
        bench.producer.resize_queue(QUEUE, PARTITIONS)
    with pytest.raises(ConfigurationError, match="power of two"):
        bench.producer.resize_queue(QUEUE, 3)
    with pytest.raises(QueueNotRegistered):
        bench.producer.resize_queue("unknown", 2)


def test_a_key_in_a_retired_partition_is_released_when_the_resize_is_over(bench: Bench) -> None:
    seen = Seen()
    hands = bench.by_hand(seen.parking)
    seen.failing = {KEYS[0]}
    send(bench.producer, 1, KEYS[0])
    hands.work()
    send(bench.producer, 2, KEYS[0])
    hands.sequence()
    bench.producer.resize_queue(QUEUE, 1)

    with pytest.raises(ConfigurationError, match="retired"):
        bench.producer.parked.release(QUEUE, KEYS[0])
    hands.work()
    hands.work()
    seen.failing.clear()
    assert bench.producer.parked.release(QUEUE, KEYS[0]) == 2
    hands.work()
    assert seen.numbers == {KEYS[0]: [1, 2]}


def test_a_resized_queue_is_purged_renamed_and_dropped_as_a_whole(bench: Bench) -> None:
    hands = bench.by_hand(Seen().declare)
    send(bench.producer, 1)
    hands.sequence()
    bench.producer.resize_queue(QUEUE, 8)
    send(bench.producer, 2)
    hands.sequence()

    bench.producer.rename_queue(QUEUE, "purchases")
    assert bench.producer.purge("purchases") == 2 * len(KEYS)
    assert {row.state for row in bench.producer.status().partitions} == {"idle"}
    bench.producer.drop_queue("purchases")
    assert bench.producer.status().partitions == []


def declared(url: str, folder: str) -> OutboxBuilder:
    """Declare the queue with the number of the beginning; what is delivered is appended to a file."""

    def handle(msg: OutboxMessage) -> None:
        with (Path(folder) / f"seen-{msg.key}").open("a") as seen:
            seen.write(f"{int(msg.payload)}\n")
        time.sleep(0.001)

    builder = Outbox.builder(url).stats_interval(0).poll_interval(0.05).queue(QUEUE, PARTITIONS)
    return builder.leased(handle, lease=LeaseConfig(1.0), tuning=QUICK)


def work(url: str, folder: str) -> None:
    """Work until killed."""
    with declared(url, folder).start():
        print("works", flush=True)
        time.sleep(60)


@pytest.mark.mp
def test_no_kill_while_it_is_resized_loses_or_overtakes_a_message(
    migrated: Database, spawn: Spawn, tmp_path: Path
) -> None:
    folder, each = str(tmp_path), 60
    with declared(migrated.url, folder).open() as old:
        workers = [spawn(work, migrated.url, folder) for _ in range(2)]
        for worker in workers:
            worker.wait_for_line("works")
        for number in range(1, each + 1):
            if number % 2:
                send(old, number)
            else:
                with declared(migrated.url, folder).open() as new:
                    send(new, number)
            if number % 12 == 0:
                old.resize_queue(QUEUE, (16, 2, 8, 1, 32)[number // 12 - 1])
                workers[0].kill()
                workers[0] = spawn(work, migrated.url, folder)

        def numbers(key: str) -> list[int]:
            path = tmp_path / f"seen-{key}"
            return [int(line) for line in path.read_text().splitlines()] if path.exists() else []

        eventually(lambda: all(numbers(key)[-1:] == [each] for key in KEYS), 40)
        for worker in workers:
            worker.kill()
    for key in KEYS:
        highest = 0
        for number in numbers(key):
            assert number <= highest + 1, f"{key}: {number} after {highest}"
            highest = max(highest, number)
        assert highest == each
