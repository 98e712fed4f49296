"""From the handler that gives up to the operator who puts it right."""

from __future__ import annotations

from outbox import DeadLetterFilter, DeadLetterStatus, HandlerResult, OutboxMessage, Reject
from tests.acceptance.bench import QUEUE
from tests.acceptance.dead_letters.office import Office
from tests.support import eventually


def test_a_rejected_message_is_replayed_and_resolved_while_the_queue_goes_on(office: Office) -> None:
    delivered: list[int] = []

    def handler(msg: OutboxMessage) -> HandlerResult:
        if msg.json() == 2:
            return Reject("two")
        delivered.append(msg.json())
        return None

    handle = office.bench.on_threads(lambda queue: queue.leased(handler))
    with handle.outbox.transaction() as conn:
        for number in (1, 2, 3):
            handle.outbox.enqueue(conn, QUEUE, number, partition=0)
    eventually(lambda: delivered == [1, 3])
    eventually(lambda: office.bench.row().cursor == 3)
    letters = handle.outbox.dead_letters
    (claimed,) = letters.replay(timeout=30)
    assert (claimed.json(), claimed.last_error) == (2, "two")
    assert letters.resolve([claimed]) == 1
    assert letters.count() == 0
    (done,) = letters.list(DeadLetterFilter(status=DeadLetterStatus.RESOLVED))
    assert done.id == claimed.id
    assert handle.outbox.status().dead_letters == {"resolved": 1}
