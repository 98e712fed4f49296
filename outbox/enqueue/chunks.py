"""Cut a batch into pieces that one statement can carry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from outbox.enqueue.prepared_message import PreparedMessage


def chunks(
    messages: Sequence[PreparedMessage], *, rows: int, size: int
) -> Iterator[Sequence[PreparedMessage]]:
    """Yield slices of at most ``rows`` messages and ``size`` bytes; a larger message goes alone."""
    start = total = 0
    for index, message in enumerate(messages):
        weight = weigh(message)
        if index > start and (index - start == rows or total + weight > size):
            yield messages[start:index]
            start, total = index, 0
        total += weight
    if start < len(messages):
        yield messages[start:]


def weigh(message: PreparedMessage) -> int:
    """Return the bytes of a message's values."""
    return len(message.payload) + len(message.payload_type) + len(message.headers or "")
