"""A message as the database takes it, and batches of them cut to what one statement can carry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from outbox.statements import Catalog, Statement


class PreparedMessage(NamedTuple):
    """A validated, encoded message; the order of the fields is the order of the statements' columns.

    ``headers`` is a JSON object as ASCII text, so that it passes through a session of any encoding.
    """

    partition_id: int
    payload: bytes
    payload_type: str
    headers: str | None = None
    message_key: str | None = None
    uid: str | None = None
    """The name that the message keeps, when it is one that goes on under another id."""
    origin: str | None = None
    """The name of the message that this one repeats."""
    delay_us: int | None = None
    """Microseconds that it waits from now on, by the database's clock."""
    due_us: int | None = None
    """Or until when, in microseconds since 1970."""
    dedup_key: str | None = None
    """The producer's name for it, of which there is one within a window."""
    window_us: int | None = None
    unique: bool = False
    """Whether it is an error that the message is there already."""

    @property
    def named(self) -> bool:
        """Whether it brings names along."""
        return self.uid is not None or self.origin is not None

    @property
    def waits(self) -> bool:
        """Whether it is not to be delivered before it is due."""
        return self.delay_us is not None or self.due_us is not None


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
    size = len(message.payload) + len(message.payload_type) + len(message.headers or "")
    return size if message.message_key is None else size + len(message.message_key.encode())


def body_statement(messages: Sequence[PreparedMessage]) -> str:
    """Return which statement inserts these bodies, where it is one for bodies alone.

    The shortest that will do: a key, or names, that no message has are not sent.
    """
    if any(message.named for message in messages):
        return "insert_named_body"
    return (
        "insert_keyed_body" if any(message.message_key is not None for message in messages) else "insert_body"
    )


def body_values(message: PreparedMessage, statement: Statement) -> tuple[Any, ...]:
    """Return what a row of that statement takes: the fields behind the partition, as many as it has."""
    return message[1 : 1 + len(statement.row_parameters)]


def places(
    catalog: Catalog, messages: Sequence[PreparedMessage], first_id: int
) -> Iterator[tuple[Statement, dict[str, object]]]:
    """Yield the statements that put messages into a line, once one statement has inserted their bodies."""
    later = [
        (place, message.partition_id, message.delay_us or 0, -1 if message.due_us is None else message.due_us)
        for place, message in enumerate(messages)
        if message.waits
    ]
    if len(later) < len(messages):
        ids = catalog.dialect.integers(0 if message.waits else message.partition_id for message in messages)
        yield catalog["insert_incoming"], {"partition_ids": ids, "first_id": first_id}
    if later:
        yield (
            catalog["insert_delayed"],
            {"waiting": catalog.dialect.records(later), "first_id": first_id},
        )
