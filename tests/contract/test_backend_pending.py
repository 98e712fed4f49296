from __future__ import annotations

from outbox.backends.protocol import Backend
from outbox.backends.records import Pending, Settlement
from tests.contract.actor import Actor
from tests.contract.producer import Producer
from tests.support import Database


def seen(store: Backend, ids: list[int]) -> list[Pending]:
    """Return what is pending, without the revision, which is that of a database that may have served before."""
    return [row._replace(revision=None) for row in store.pending(ids)]


def test_nothing_is_pending_in_a_new_queue(store: Backend, ids: list[int]) -> None:
    assert store.pending(ids) == []
    assert store.pending([]) == []


def test_committed_messages_show_as_incoming(store: Backend, ids: list[int], producer: Producer) -> None:
    producer.send(ids[1], b"a")

    assert seen(store, ids) == [Pending(ids[1], incoming=True, behind=False, dirty=False)]


def test_uncommitted_messages_do_not_show(store: Backend, ids: list[int], producer: Producer) -> None:
    producer.put(ids[0])

    assert store.pending(ids) == []


def test_sequenced_messages_show_as_behind(store: Backend, ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[2], b"a")

    assert seen(store, ids) == [Pending(ids[2], incoming=False, behind=True, dirty=False)]


def test_a_leased_partition_is_not_behind_until_the_lease_expires(
    store: Backend, ids: list[int], actor: Actor
) -> None:
    actor.deliverable(ids[0], b"a")
    actor.take(ids[0])

    assert [found.behind for found in store.pending(ids)] in ([], [False])
    actor.expire(ids[0])
    assert seen(store, ids) == [Pending(ids[0], incoming=False, behind=True, dirty=False)]


def test_a_backoff_hides_what_is_behind(store: Backend, ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a")
    actor.take(ids[0])
    actor.settle(Settlement(ids[0], 0, attempts=1, last_error="no", delay=60))

    assert [found.behind for found in store.pending(ids)] in ([], [False])


def test_processed_messages_show_as_dirty_until_they_are_vacuumed(
    store: Backend, ids: list[int], actor: Actor
) -> None:
    actor.deliverable(ids[0], b"a")
    actor.take(ids[0])
    actor.settle(Settlement(ids[0], 1))

    assert seen(store, ids) == [Pending(ids[0], incoming=False, behind=False, dirty=True)]
    store.vacuum(ids, 10)
    assert store.pending(ids) == []


def test_only_the_partitions_asked_for_are_told(store: Backend, ids: list[int], producer: Producer) -> None:
    producer.send(ids[0], b"a")
    producer.send(ids[3], b"b")

    assert [found.partition_id for found in store.pending(ids[2:])] == [ids[3]]


def test_an_idle_process_learns_the_revision_of_the_settings(
    store: Backend, ids: list[int], migrated: Database
) -> None:
    migrated.execute("UPDATE outbox_installation SET revision = 41")

    look = store.pending(ids)

    assert (look, look.revision) == ([], 41)
