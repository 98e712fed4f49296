"""What metrics and the page read of the tables: the same on every backend, and bounded."""

from __future__ import annotations

import time

from outbox.backends.protocol import Backend
from outbox.backends.records import DeadLetterRecord, Settlement
from outbox.dead_letters.letter import DeadLetterStatus
from outbox.facade import gauges
from outbox.facade.gauges import Attendance, read_gauges
from outbox.statements.dialect import decode_text
from tests.contract.actor import Actor
from tests.support import Database

MYSQL_FAMILY = {"mysql", "mariadb"}


def test_gauges_show_what_each_partition_holds(
    store: Backend, ids: list[int], actor: Actor, migrated: Database
) -> None:
    actor.deliverable(ids[0], b"a", b"b", b"c")
    actor.producer.send(ids[0], b"d", b"e")
    actor.take(ids[0], limit=1)
    actor.settle(Settlement(ids[0], 1, next_limit=1), lease=20.0)
    actor.deliverable(ids[1], b"a")
    actor.take(ids[1])
    actor.settle(Settlement(ids[1], 0, attempts=1, last_error="no", delay=20.0))
    migrated.execute("INSERT INTO outbox_pauses (queue) VALUES ('orders')")
    migrated.execute("UPDATE outbox_pauses SET message_key = 'Anna'")
    columns = "partition_id, message_key, seq, message_id, payload, payload_type, created_at"
    for seq in range(7):
        key = b"Anna" if migrated.backend in MYSQL_FAMILY else "Anna"
        migrated.execute(
            f"INSERT INTO outbox_parked ({columns}) SELECT ?, ?, ?, 1, payload, payload_type, created_at "
            "FROM outbox_body WHERE id = (SELECT min(id) FROM outbox_body)",
            ids[2],
            key,
            seq,
        )
    leased, failing, parked, empty = read_gauges(store)

    assert (leased.partition_id, leased.queue, leased.partition) == (ids[0], "orders", 0)
    assert (leased.incoming, leased.backlog, leased.processed_seq) == (2, 2, 1)
    assert (leased.state, leased.locked_by) == ("leased", "mine")
    assert leased.oldest_age is not None
    assert 0 <= leased.oldest_age < 60
    assert (failing.state, failing.is_failing, failing.last_error) == ("backing off", True, "no")
    assert failing.locked_for is not None
    assert 10 < failing.locked_for <= 20
    # Only the pause of a whole queue or partition pauses a partition.
    assert (parked.parked, parked.paused, parked.state) == (7, False, "idle")
    assert (empty.oldest_age, empty.delayed, empty.dead_letters) == (None, 0, {})


def test_a_pause_of_the_queue_or_the_partition_pauses_partitions(
    store: Backend, ids: list[int], migrated: Database
) -> None:
    migrated.execute("INSERT INTO outbox_pauses (queue) VALUES ('orders')")
    assert [one.paused for one in read_gauges(store)] == [True] * len(ids)
    partition = "`partition`" if migrated.backend in MYSQL_FAMILY else "partition"
    migrated.execute(f"UPDATE outbox_pauses SET {partition} = 1")
    assert [one.state for one in read_gauges(store)] == ["idle", "paused", "idle", "idle"]


def test_counts_of_rows_end_at_a_bound(store: Backend, ids: list[int], actor: Actor) -> None:
    actor.producer.send(ids[0], *[b"x"] * 5)
    assert [row.incoming for row in store.query("partition_gauges", most=5)] == [5, 0, 0, 0]
    assert [row.incoming for row in store.query("partition_gauges", most=4)] == [4, 0, 0, 0]


def test_dead_letters_are_counted_by_status(store: Backend, ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a", b"b", b"c")
    actor.take(ids[0])
    letters = tuple(DeadLetterRecord(seq, "no", 1) for seq in (1, 2, 3))
    actor.settle(Settlement(ids[0], 3, dead=letters))
    (first, *_) = read_gauges(store)
    assert first.dead_letters == {DeadLetterStatus.PENDING: 3}
    (row,) = store.query("dead_letter_gauges", status="pending", most=2)
    assert (row.partition_id, row.n) == (ids[0], 2)


def test_only_what_stands_still_for_long_is_unattended(store: Backend, ids: list[int], actor: Actor) -> None:
    now = [0.0]
    attendance = Attendance(clock=lambda: now[0])
    actor.deliverable(ids[0], b"a", b"b")
    actor.deliverable(ids[1], b"a", b"b")
    assert attendance.unattended(read_gauges(store)) == set()
    now[0] = gauges.UNATTENDED_AFTER - 1
    actor.take(ids[1], limit=1)
    actor.settle(Settlement(ids[1], 1))
    assert attendance.unattended(read_gauges(store)) == set()
    now[0] = gauges.UNATTENDED_AFTER
    assert attendance.unattended(read_gauges(store)) == {ids[0]}
    actor.take(ids[0])
    assert attendance.unattended(read_gauges(store)) == set()


def test_the_next_messages_of_a_partition_are_read_without_payloads_and_one_with_it(
    store: Backend, ids: list[int], actor: Actor
) -> None:
    sent = actor.deliverable(ids[0], b"a", b"bb", b"ccc")
    actor.take(ids[0], limit=1)
    actor.settle(Settlement(ids[0], 1))

    rows = store.query("waiting_messages", partition_id=ids[0], most=10)

    assert [(int(row.seq), int(row.message_id), int(row.size)) for row in rows] == [
        (2, sent[1], 2),
        (3, sent[2], 3),
    ]
    assert abs(float(rows[0].created_at) - time.time()) < 60
    assert len(store.query("waiting_messages", partition_id=ids[0], most=1)) == 1
    (row,) = store.query("waiting_payload", partition_id=ids[0], seq=3)
    assert bytes(row.payload) == b"ccc"
    assert store.query("waiting_payload", partition_id=ids[0], seq=4) == []


def test_what_the_newest_letters_failed_of_is_read_without_payloads(
    store: Backend, ids: list[int], actor: Actor
) -> None:
    actor.deliverable(ids[0], b"a", b"b")
    actor.take(ids[0])
    letters = tuple(DeadLetterRecord(seq, f"KeyError: {seq}", 1) for seq in (1, 2))
    actor.settle(Settlement(ids[0], 2, dead=letters))

    (newest,) = store.query("newest_letter_reasons", status="pending", most=1)

    assert (newest.partition_id, decode_text(newest.last_error)) == (ids[0], "KeyError: 2")
    assert abs(float(newest.failed_at) - time.time()) < 60
    assert store.query("newest_letter_reasons", status="resolved", most=1) == []
