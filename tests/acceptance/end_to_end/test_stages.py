"""From enqueue to vacuum, by hand and on threads."""

from __future__ import annotations

from typing import Any

from outbox import Outbox, OutboxMessage, Reject, WorkerTuning
from tests.support import Database, eventually

HOT_TABLES = ("outbox_incoming", "outbox_outgoing", "outbox_body")
QUICK = WorkerTuning.processor_adaptive().replace(retry_base=0.01, retry_max=0.02)


def empty(database: Database) -> bool:
    return all(database.count(table) == 0 for table in HOT_TABLES)


def test_after_everything_is_delivered_the_hot_tables_are_empty_and_the_cursors_right(
    migrated: Database,
) -> None:
    seen: list[tuple[int, int]] = []
    builder = Outbox.builder(migrated.url).poll_interval(0.2)
    with (
        builder.queue("orders", 4).leased(lambda msg: seen.append((msg.partition, msg.seq))).start() as handle
    ):
        outbox = handle.outbox
        for n in range(40):
            outbox.enqueue_now("orders", {"n": n}, partition=n % 4)
        eventually(lambda: len(seen) == 40)
        eventually(lambda: empty(migrated))
        assert [partition.processed_seq for partition in outbox.status().partitions] == [10, 10, 10, 10]
    assert sorted(seen) == [(partition, seq) for partition in range(4) for seq in range(1, 11)]


def test_messages_that_fail_a_few_times_recover_in_order(migrated: Database) -> None:
    seen: list[int] = []

    def handler(msg: OutboxMessage) -> None:
        if msg.json() in {2, 5} and msg.attempts < 2:
            raise ValueError("not yet")
        seen.append(msg.json())

    builder = Outbox.builder(migrated.url).poll_interval(0.05)
    with builder.queue("orders", 1).leased(handler, tuning=QUICK).start() as handle:
        for n in range(8):
            handle.outbox.enqueue_now("orders", n)
        eventually(lambda: len(seen) == 8)
        eventually(lambda: empty(migrated))
    assert seen == list(range(8))
    assert migrated.count("outbox_dead_letters") == 0


def test_a_transactional_queue_and_a_leased_one_run_side_by_side(migrated: Database) -> None:
    migrated.execute("CREATE TABLE audit (n INTEGER PRIMARY KEY)")

    def audit(conn: Any, msg: OutboxMessage) -> Reject | None:
        cursor = conn.cursor()
        cursor.execute(f"INSERT INTO audit (n) VALUES ({msg.json()})")
        cursor.close()
        return Reject("odd one out") if msg.json() == 7 else None

    shipped: list[int] = []
    builder = Outbox.builder(migrated.url).poll_interval(0.1)
    builder = builder.queue("ship", 2).leased(lambda msg: shipped.append(msg.json()))
    with builder.queue("audit", 2).transactional(audit).start() as handle:
        for n in range(20):
            with handle.outbox.transaction() as conn:
                handle.outbox.enqueue(conn, "ship", n)
                handle.outbox.enqueue(conn, "audit", n)
        eventually(lambda: len(shipped) == 20)
        eventually(lambda: migrated.count("audit") == 19)
        eventually(lambda: empty(migrated))
    assert sorted(shipped) == list(range(20))
    assert migrated.query("SELECT last_error, attempts FROM outbox_dead_letters") == [("odd one out", 1)]
