"""Back into the pipeline, as new messages."""

from __future__ import annotations

import pytest

from outbox import DeadLetter, DeadLetterFilter, DeadLetterScope, DeadLetterStatus, OutboxMessage
from outbox.dead_letters import actions
from tests.acceptance.bench import QUEUE
from tests.acceptance.dead_letters.office import Office


def test_a_requeued_letter_is_a_new_message_with_the_same_content(office: Office) -> None:
    office.outbox.enqueue_now(QUEUE, b"\0\xff", partition=3, payload_type="t/x", headers={"trace": "é"})
    (letter,) = office.fail("other", partition=3)[-1:]
    first = office.letters.list()[-1]
    sent = office.letters.requeue(DeadLetterScope(ids=[first.id]))
    seen: list[OutboxMessage] = []
    office.bench.by_hand(lambda queue: queue.leased(seen.append)).work()
    (msg,) = seen
    assert [msg.id] == sent
    assert msg.id > letter.message_id
    assert msg.seq == letter.seq + 1
    assert (msg.payload, msg.payload_type, dict(msg.headers)) == (b"\0\xff", "t/x", {"trace": "é"})
    assert (msg.queue, msg.partition, msg.attempts) == (QUEUE, 3, 0)
    (old,) = office.letters.list(DeadLetterFilter(ids=[first.id]).any_status())
    assert old.status is DeadLetterStatus.RESOLVED
    assert old.completed_at is not None


def test_letters_are_requeued_in_the_order_in_which_they_failed(office: Office) -> None:
    office.fail(*range(7))
    sent = office.letters.requeue(DeadLetterScope(queue=QUEUE))
    seen: list[tuple[int, object]] = []
    office.bench.by_hand(lambda queue: queue.leased(lambda msg: seen.append((msg.id, msg.json())))).work()
    assert seen == list(zip(sent, range(7), strict=True))


def test_only_open_letters_are_requeued(office: Office) -> None:
    ids = office.every_status()
    pending, claimed = ids[DeadLetterStatus.PENDING], ids[DeadLetterStatus.REPROCESSING]
    assert len(office.letters.requeue(DeadLetterScope(ids=ids.values()))) == 1
    assert office.states()[pending] == "resolved"
    assert office.states()[claimed] == "reprocessing"
    office.end_claims()
    assert len(office.letters.requeue(DeadLetterScope(ids=ids.values()))) == 1
    assert office.states()[claimed] == "resolved"
    assert office.database.count("outbox_incoming") == 2


def test_when_it_fails_halfway_nothing_has_happened(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.put(b"a", b"b", b"c")
    monkeypatch.setattr(actions, "BYTES_AT_ONCE", 1)
    as_it_was = actions.message

    def stumble(letter: DeadLetter) -> object:
        if letter.payload == b"c":
            raise ValueError("stumbled")
        return as_it_was(letter)

    monkeypatch.setattr(actions, "message", stumble)
    with pytest.raises(ValueError, match="stumbled"):
        office.letters.requeue(DeadLetterScope())
    assert set(office.states().values()) == {"pending"}
    assert office.database.count("outbox_incoming") == office.database.count("outbox_body") == 0


def test_the_pipeline_of_this_process_is_told_once_the_messages_are_committed(office: Office) -> None:
    office.put(b"a", b"b", b"c")
    hands = office.bench.by_hand(lambda queue: queue.leased(lambda msg: None))
    letters, marked = hands.outbox.dead_letters, hands.stages.sequencing
    one = DeadLetterScope(limit=1)

    letters.requeue(one)
    assert marked.ready_count == 1
    hands.work()

    with office.database.engine().begin() as conn:
        letters.requeue(one, conn=conn)
        assert marked.ready_count == 0
    assert marked.ready_count == 1
    hands.work()

    plain = office.database.connect()
    letters.requeue(one, conn=plain)
    plain.commit()
    assert marked.ready_count == 0
    hands.outbox.flush()
    assert marked.ready_count == 1
