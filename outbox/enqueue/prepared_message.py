"""A message as the database takes it, and batches of them cut to what one statement can carry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from outbox.statements import Catalog


class PreparedMessage(NamedTuple):
    """A validated, encoded message; the order of the fields is the order of the statements' columns.

    ``headers`` is a JSON object as ASCII text, so that it passes through a session of any encoding.
    """

    partition_id: int
    payload: bytes
    payload_type: str
    headers: str | None = None


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


def incoming(catalog: Catalog, messages: Sequence[PreparedMessage], first_id: int) -> dict[str, object]:
    """Return the parameters of ``insert_incoming`` for messages whose bodies one statement inserted."""
    partition_ids = catalog.dialect.integers(message.partition_id for message in messages)
    return {"partition_ids": partition_ids, "first_id": first_id}
