"""A settlement whose answer was lost is sent again, perhaps while the first one is still on its way."""

from __future__ import annotations

import threading

import pytest

from outbox.backends.records import DeadLetterRecord, Settlement, SettleResult
from tests.contract.actor import Actor
from tests.support import Database, eventually

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.mark.backends("postgresql")
def test_a_settlement_sent_again_before_the_first_has_committed_buries_once(
    ids: list[int], actor: Actor, migrated: Database
) -> None:
    actor.deliverable(ids[0], b"a", b"b", b"c")
    actor.take(ids[0], limit=2)
    settlement = Settlement(ids[0], 2, next_limit=1, dead=(DeadLetterRecord(1, "bad", 1),))
    answers: list[SettleResult] = []
    senders = [threading.Thread(target=lambda: answers.append(actor.settle(settlement))) for _ in range(2)]
    holder = migrated.connect()
    holder.execute("SELECT 1 FROM outbox_processor FOR NO KEY UPDATE")

    # Both have taken their snapshot when the first of them gets the row.
    for sender in senders:
        sender.start()
    assert eventually(lambda: migrated.value(WAITING) == len(senders))
    holder.rollback()
    for sender in senders:
        sender.join(20)

    first, second = answers
    assert first == second
    assert [message.seq for message in first.deliveries[0].messages] == [3]
    assert actor.dead() == [(1, "bad", 1)]
    assert actor.row(ids[0]) == (2, 1, None, "mine", True)


def test_a_settlement_that_arrives_after_later_ones_of_its_own_turn_changes_nothing(
    ids: list[int], actor: Actor
) -> None:
    actor.deliverable(ids[0], b"a", b"b", b"c", b"d")
    actor.take(ids[0], limit=1)
    late = Settlement(ids[0], 1, dead=(DeadLetterRecord(1, "bad", 1),))
    assert actor.settle(Settlement(ids[0], 1, next_limit=1)).deliveries[0].messages[0].seq == 2
    assert actor.settle(Settlement(ids[0], 2, next_limit=1)).deliveries[0].messages[0].seq == 3
    # The lease of the third message, whose start is counted.
    assert actor.row(ids[0]) == (2, 1, None, "mine", True)

    answer = actor.settle(late)

    assert (answer.lost, answer.released, answer.deliveries) == ([ids[0]], [], [])
    assert actor.row(ids[0]) == (2, 1, None, "mine", True)
    assert actor.dead() == []
    assert actor.settle(Settlement(ids[0], 3)).released == [ids[0]]


def test_an_older_settlement_leaves_the_rest_of_its_turn_to_be_settled(ids: list[int], actor: Actor) -> None:
    for partition_id in ids[:2]:
        actor.deliverable(partition_id, b"a", b"b", b"c")
    actor.lease(*ids[:2], limit=1)
    actor.settle(Settlement(ids[0], 1, next_limit=1), Settlement(ids[1], 1, next_limit=1))
    actor.settle(Settlement(ids[0], 2, next_limit=1))

    answer = actor.settle(Settlement(ids[0], 1), Settlement(ids[1], 2))

    assert (answer.lost, answer.released) == ([ids[0]], [ids[1]])
    assert [actor.row(partition_id)[0] for partition_id in ids[:2]] == [2, 2]
