"""Messages that cannot be handed over because of what stands in the tables."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from outbox import HandlerResult, OutboxMessage
from outbox.facade import OutboxBuilder, QueueBuilder
from tests.acceptance.bench import Bench, Row

MISSING = "the message's body is missing from the table"
Handler = Callable[[OutboxMessage], HandlerResult]


def leased(queue: QueueBuilder, handler: Handler) -> OutboxBuilder:
    return queue.leased(handler)


def leased_batch(queue: QueueBuilder, handler: Handler) -> OutboxBuilder:
    def each(batch: object) -> None:
        for msg in batch:  # type: ignore[attr-defined]
            handler(msg)

    return queue.leased_batch(each)


def transactional(queue: QueueBuilder, handler: Handler) -> OutboxBuilder:
    return queue.transactional(lambda _conn, msg: handler(msg))


modes = pytest.mark.parametrize("mode", [leased, leased_batch, transactional])


@modes
@pytest.mark.parametrize("lost", [(1,), (2,), (3,), (1, 3), (1, 2, 3)], ids=str)
def test_a_message_without_its_body_is_dead_lettered_alone(
    bench: Bench, mode: Callable[[QueueBuilder, Handler], OutboxBuilder], lost: tuple[int, ...]
) -> None:
    seen: list[int] = []
    hands = bench.by_hand(lambda queue: mode(queue, lambda msg: seen.append(msg.seq)))
    ids = bench.send(*"abc")
    hands.sequence()
    for seq in lost:
        bench.database.execute("DELETE FROM outbox_body WHERE id = ?", ids[seq - 1])
    hands.work()
    assert seen == [seq for seq in (1, 2, 3) if seq not in lost]
    assert [(seq, reason) for seq, reason, _ in bench.dead()] == [(seq, MISSING) for seq in lost]
    assert bench.row() == Row(cursor=3, attempts=0, error=None, token=None, held=False)
    letters = bench.database.query("SELECT message_id, payload FROM outbox_dead_letters ORDER BY seq")
    assert [(message_id, bytes(payload)) for message_id, payload in letters] == [
        (ids[n - 1], b"") for n in lost
    ]


@modes
def test_a_message_whose_headers_cannot_be_read_is_dead_lettered_alone(
    bench: Bench, mode: Callable[[QueueBuilder, Handler], OutboxBuilder]
) -> None:
    seen: list[int] = []
    hands = bench.by_hand(lambda queue: mode(queue, lambda msg: seen.append(msg.seq)))
    ids = bench.send(*"abcde")
    for message_id, headers in zip(ids[1:4], ['{"half": ', '["a list"]', "[" * 100_000], strict=True):
        bench.database.execute("UPDATE outbox_body SET headers = ? WHERE id = ?", headers, message_id)
    hands.work()
    assert seen == [1, 5]
    reason = "the message's headers are no JSON object of strings"
    assert [(seq, text) for seq, text, _ in bench.dead()] == [(seq, reason) for seq in (2, 3, 4)]
    assert bench.row().cursor == 5
