from __future__ import annotations

import contextlib
from functools import partial

import pytest

from outbox.backends.protocol import Backend
from outbox.errors import PartitionCountMismatch
from tests.contract.crew import Crew
from tests.support import Database


@pytest.mark.parametrize("count", [1, 2, 64])
def test_a_queue_gets_its_rows_with_cursors_at_zero(store: Backend, migrated: Database, count: int) -> None:
    ids = store.register_queue("orders", count)

    assert len(set(ids)) == count
    assert [store.find_queue(id_) for id_ in ids] == [("orders", index) for index in range(count)]
    assert sorted(migrated.query("SELECT id, sequence FROM outbox_partitions")) == [
        (id_, 0) for id_ in sorted(ids)
    ]
    assert sorted(migrated.query("SELECT partition_id, processed_seq, attempts FROM outbox_processor")) == [
        (id_, 0, 0) for id_ in sorted(ids)
    ]
    assert sorted(migrated.query("SELECT partition_id, vacuumed_seq FROM outbox_vacuum")) == [
        (id_, 0) for id_ in sorted(ids)
    ]


def test_registering_again_changes_nothing(store: Backend, migrated: Database) -> None:
    ids = store.register_queue("orders", 4)

    assert store.register_queue("orders", 4) == ids
    assert migrated.count("outbox_partitions") == 4
    assert migrated.count("outbox_processor") == 4
    assert migrated.count("outbox_vacuum") == 4


@pytest.mark.parametrize("other", [2, 8])
def test_another_partition_count_is_refused_and_changes_nothing(
    store: Backend, migrated: Database, other: int
) -> None:
    store.register_queue("orders", 4)

    with pytest.raises(PartitionCountMismatch) as caught:
        store.register_queue("orders", other)

    assert (caught.value.queue, caught.value.expected, caught.value.found) == ("orders", other, 4)
    assert migrated.count("outbox_partitions") == 4


def test_names_that_differ_in_case_are_different_queues(store: Backend) -> None:
    lower = store.register_queue("orders", 2)
    upper = store.register_queue("Orders", 4)

    assert not set(lower) & set(upper)
    assert store.register_queue("orders", 2) == lower


def test_a_name_of_1024_characters_is_kept_whole(store: Backend) -> None:
    name = "q" * 1023 + "1"
    (first,) = store.register_queue(name, 1)
    (second,) = store.register_queue("q" * 1023 + "2", 1)

    assert first != second
    assert store.find_queue(first) == (name, 0)


def test_an_unknown_partition_id_has_no_queue(store: Backend) -> None:
    assert store.find_queue(2**40) is None


def test_of_racing_registrations_with_different_counts_one_wins(store: Backend, migrated: Database) -> None:
    for round_ in range(5):
        queue = f"race.{round_}"
        won: list[int] = []

        def register(count: int, queue: str = queue, won: list[int] = won) -> None:
            with contextlib.suppress(PartitionCountMismatch):
                won.append(len(store.register_queue(queue, count)))

        Crew().run(*[partial(register, count) for count in (1, 2, 4, 8, 16, 32)])

        (winner,) = won
        assert migrated.value("SELECT count(*) FROM outbox_partitions WHERE queue = ?", queue) == winner


def test_racing_registrations_with_one_count_agree(store: Backend) -> None:
    found: list[list[int]] = []

    Crew().run(*[lambda: found.append(store.register_queue("shared", 8))] * 6)

    assert all(ids == found[0] for ids in found)
    assert len(set(found[0])) == 8
