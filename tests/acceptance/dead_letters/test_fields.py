"""What a dead letter says of its message."""

from __future__ import annotations

from datetime import timedelta, timezone

from outbox import DeadLetterStatus, OutboxMessage, Reject
from tests.acceptance.bench import QUEUE
from tests.acceptance.dead_letters.office import Office


def test_a_letter_has_all_that_the_message_had_and_why_it_failed(office: Office) -> None:
    seen: list[OutboxMessage] = []

    def reject(msg: OutboxMessage) -> Reject:
        seen.append(msg)
        return Reject("an é, a 😀 and a 'quote'")

    hands = office.bench.by_hand(lambda queue: queue.leased(reject))
    message_id = office.outbox.enqueue_now(
        QUEUE, {"id": 7}, partition=2, payload_type="order/json", headers={"trace": "é 😀"}
    )
    hands.work()
    (letter,) = office.letters.list()
    (msg,) = seen
    assert letter.message_id == message_id == msg.id
    assert (letter.queue, letter.partition) == (QUEUE, 2)
    assert (letter.partition_id, letter.seq) == (office.bench.ids[2], 1) == (msg.partition_id, msg.seq)
    assert letter.payload == msg.payload == b'{"id":7}'
    assert letter.json() == {"id": 7}
    assert letter.payload_type == "order/json"
    assert letter.headers == {"trace": "é 😀"}
    assert letter.created_at == msg.created_at
    assert timedelta() <= letter.failed_at - letter.created_at < timedelta(minutes=1)
    assert letter.created_at.tzinfo is letter.failed_at.tzinfo is timezone.utc
    assert letter.last_error == "an é, a 😀 and a 'quote'"
    assert letter.attempts == 1
    assert letter.status is DeadLetterStatus.PENDING
    assert (letter.completed_at, letter.deadline, letter.claim) == (None, None, None)


def test_a_payload_of_any_bytes_comes_back_as_it_was(office: Office) -> None:
    payload = bytes(range(256)) * 20
    (letter,) = office.fail(payload)
    assert letter.payload == payload
    (claimed,) = office.letters.replay()
    assert claimed.payload == payload
    assert claimed.headers == {}
