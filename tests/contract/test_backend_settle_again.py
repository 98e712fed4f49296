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
