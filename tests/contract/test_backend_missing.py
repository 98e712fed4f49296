"""Rows of the outgoing table that somebody deleted."""

from __future__ import annotations

from outbox.backends.protocol import Backend
from outbox.backends.records import Refusal, RefusalKind, Settlement
from tests.contract.actor import Actor, payloads
from tests.contract.handling import refusal
from tests.support import Database


def delete(database: Database, partition_id: int, seq: int) -> None:
    database.execute("DELETE FROM outbox_outgoing WHERE partition_id = ? AND seq = ?", partition_id, seq)


def test_a_group_is_leased_without_the_partition_whose_next_message_is_missing(
    ids: list[int], actor: Actor, migrated: Database
) -> None:
    actor.deliverable(ids[0], b"a", b"b")
    actor.deliverable(ids[1], b"c")
    actor.settle(Settlement(actor.take(ids[0], limit=1).partition_id, 1))
    delete(migrated, ids[0], 2)
    taken = actor.lease(ids[0], ids[1])
    assert taken.refusals == [Refusal(ids[0], RefusalKind.MISSING, cursor=1)]
    assert [payloads(delivery) for delivery in taken.deliveries] == [[b"c"]]
    assert actor.row(ids[0]) == (1, 0, None, None, False)


def test_a_batch_ends_before_a_missing_message(ids: list[int], actor: Actor, migrated: Database) -> None:
    actor.deliverable(ids[0], b"a", b"b", b"c", b"d")
    delete(migrated, ids[0], 3)
    assert payloads(actor.take(ids[0])) == [b"a", b"b"]
    settled = actor.settle(Settlement(ids[0], 1, next_limit=10))
    assert [payloads(delivery) for delivery in settled.deliveries] == [[b"b"]]
    settled = actor.settle(Settlement(ids[0], 2, next_limit=10))
    assert (settled.deliveries, settled.released) == ([], ids[:1])
    assert actor.refusal(ids[0]) == Refusal(ids[0], RefusalKind.MISSING, cursor=2)


def test_a_transaction_finds_a_message_missing_whatever_lies_behind_it(
    ids: list[int], store: Backend, actor: Actor, migrated: Database
) -> None:
    actor.deliverable(ids[0], b"a", b"b")
    delete(migrated, ids[0], 1)
    assert refusal(store, ids[0]) == Refusal(ids[0], RefusalKind.MISSING, cursor=0)
    delete(migrated, ids[0], 2)
    assert refusal(store, ids[0]) == Refusal(ids[0], RefusalKind.MISSING, cursor=0)
    assert actor.refusal(ids[0]) == Refusal(ids[0], RefusalKind.MISSING, cursor=0)


def test_a_lease_or_a_row_lock_comes_before_a_missing_message(
    ids: list[int], store: Backend, actor: Actor, migrated: Database
) -> None:
    actor.deliverable(ids[0], b"a", b"b")
    actor.take(ids[0])
    delete(migrated, ids[0], 1)
    assert actor.refusal(ids[0], token="other").kind is RefusalKind.HELD
    assert refusal(store, ids[0]).kind is RefusalKind.HELD
