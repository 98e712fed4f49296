from __future__ import annotations

import threading
from collections import Counter
from functools import partial

import pytest

from outbox.backends.protocol import Backend
from outbox.backends.records import Sequenced
from tests.contract.crew import Crew
from tests.contract.producer import Producer
from tests.support import Database, eventually

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def outgoing(database: Database, partition_id: int) -> list[tuple[int, int]]:
    rows = database.query(
        "SELECT seq, body_id FROM outbox_outgoing WHERE partition_id = ? ORDER BY seq", partition_id
    )
    return [(seq, body_id) for seq, body_id in rows]


def moved(sequenced: list[Sequenced]) -> list[tuple[int, int, int]]:
    return sorted(tuple(found[:3]) for found in sequenced if found.moved)  # type: ignore[misc]


def test_messages_are_numbered_from_one_in_the_order_of_their_ids(
    store: Backend, ids: list[int], producer: Producer, migrated: Database
) -> None:
    sent = producer.send(ids[0], *[b"x"] * 20)

    assert moved(store.sequence(ids, 100)) == [(ids[0], 1, 20)]
    assert outgoing(migrated, ids[0]) == list(enumerate(sent, start=1))
    assert migrated.count("outbox_incoming") == 0
    assert migrated.value("SELECT sequence FROM outbox_partitions WHERE id = ?", ids[0]) == 20


def test_every_partition_asked_for_comes_back(store: Backend, ids: list[int], producer: Producer) -> None:
    producer.send(ids[1], b"x")

    assert {found.partition_id: found.moved for found in store.sequence(ids, 10)} == {
        partition_id: int(partition_id == ids[1]) for partition_id in ids
    }


def test_partitions_are_numbered_independently(
    store: Backend, ids: list[int], producer: Producer, migrated: Database
) -> None:
    for index, partition_id in enumerate(ids):
        for _ in range(index + 1):
            producer.put(partition_id)
    producer.commit()

    assert moved(store.sequence(ids, 100)) == [(partition_id, 1, n) for n, partition_id in enumerate(ids, 1)]
    for n, partition_id in enumerate(ids, 1):
        assert [seq for seq, _ in outgoing(migrated, partition_id)] == list(range(1, n + 1))


def test_passes_follow_on_without_a_gap(
    store: Backend, ids: list[int], producer: Producer, migrated: Database
) -> None:
    sent = []
    for n in (3, 1, 5):
        sent += producer.send(ids[0], *[b"x"] * n)
        store.sequence(ids, 100)

    assert outgoing(migrated, ids[0]) == list(enumerate(sent, start=1))


def test_the_limit_holds_for_each_partition_and_the_rest_follows(
    store: Backend, ids: list[int], producer: Producer, migrated: Database
) -> None:
    flood = producer.send(ids[0], *[b"x"] * 25)
    producer.send(ids[1], b"y")

    assert moved(store.sequence(ids, 10)) == [(ids[0], 1, 10), (ids[1], 1, 1)]
    assert moved(store.sequence(ids, 10)) == [(ids[0], 11, 10)]
    assert moved(store.sequence(ids, 10)) == [(ids[0], 21, 5)]
    assert moved(store.sequence(ids, 10)) == []
    assert outgoing(migrated, ids[0]) == list(enumerate(flood, start=1))


def test_partitions_not_asked_for_are_left_alone(store: Backend, ids: list[int], producer: Producer) -> None:
    producer.send(ids[0], b"x")
    producer.send(ids[1], b"x")

    assert moved(store.sequence(ids[:1], 10)) == [(ids[0], 1, 1)]
    assert moved(store.sequence(ids, 10)) == [(ids[1], 1, 1)]


def test_an_uncommitted_message_is_not_moved_and_a_rolled_back_one_never(
    store: Backend, ids: list[int], producer: Producer, migrated: Database
) -> None:
    producer.put(ids[0])
    producer.rollback()
    kept = producer.send(ids[0], b"x")

    assert moved(store.sequence(ids, 10)) == [(ids[0], 1, 1)]
    assert outgoing(migrated, ids[0]) == [(1, kept[0])]


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_message_that_commits_late_is_sequenced_after_the_others_and_never_lost(
    store: Backend, ids: list[int], producer: Producer, migrated: Database
) -> None:
    late = producer.put(ids[0])
    quick = Producer(migrated)
    (early,) = quick.send(ids[0], b"early")
    quick.close()
    assert late < early

    assert moved(store.sequence(ids, 10)) == [(ids[0], 1, 1)]
    producer.commit()
    assert moved(store.sequence(ids, 10)) == [(ids[0], 2, 1)]
    assert outgoing(migrated, ids[0]) == [(1, early), (2, late)]


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_partition_that_is_locked_elsewhere_does_not_come_back_and_does_not_hold_up_the_others(
    store: Backend, ids: list[int], producer: Producer, migrated: Database
) -> None:
    producer.send(ids[0], b"x")
    producer.send(ids[1], b"x")
    other = migrated.connect()
    other.cursor().execute(f"SELECT id FROM outbox_partitions WHERE id = {ids[0]} FOR UPDATE")

    found = store.sequence(ids, 10)

    assert ids[0] not in [one.partition_id for one in found]
    assert moved(found) == [(ids[1], 1, 1)]
    other.close()
    # MariaDB and MySQL give the lock back when the server notices that the connection ended.
    eventually(lambda: moved(store.sequence(ids, 10)) == [(ids[0], 1, 1)])


def test_producers_and_two_sequencers_at_once_lose_nothing_and_leave_no_gap(
    store: Backend, ids: list[int], migrated: Database
) -> None:
    sent: Counter[int] = Counter()
    finished = [False] * 3
    crew = Crew()

    def produce(number: int) -> None:
        producer = Producer(migrated)
        for n in range(40):
            committed = [producer.put(ids[(n + k) % 4]) for k in range(3)]
            if n % 7 == number:
                producer.rollback()
            else:
                producer.commit()
                sent.update(committed)
        producer.close()
        finished[number] = True

    def sequence() -> None:
        while crew.going() and (not all(finished) or any(found.incoming for found in store.pending(ids))):
            store.sequence(ids, 5)

    crew.run(*[partial(produce, number) for number in range(3)], sequence, sequence)

    found: Counter[int] = Counter()
    for partition_id in ids:
        rows = outgoing(migrated, partition_id)
        assert [seq for seq, _ in rows] == list(range(1, len(rows) + 1))
        found.update(body_id for _, body_id in rows)
    assert found == sent


@pytest.mark.backends("postgresql")
def test_a_pass_says_when_another_one_took_what_it_had_found(
    ids: list[int], store: Backend, producer: Producer, migrated: Database
) -> None:
    first, *_ = producer.send(ids[0], b"a", b"b", b"c", b"d")
    other = migrated.connect()
    other.execute("DELETE FROM outbox_incoming WHERE body_id = %s", (first,))
    passes: list[Sequenced] = []
    thread = threading.Thread(target=lambda: passes.extend(store.sequence(ids[:1], 2)))
    thread.start()
    assert eventually(lambda: migrated.value(WAITING) == 1)
    other.commit()
    thread.join(20)

    # Fewer than were wanted, and yet there is more.
    assert passes == [Sequenced(ids[0], 1, 1, more=True)]
    assert store.sequence(ids[:1], 2) == [Sequenced(ids[0], 2, 2)]
    assert store.sequence(ids[:1], 2) == [Sequenced(ids[0], 0, 0)]
