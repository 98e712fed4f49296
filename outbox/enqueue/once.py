"""Write messages of which some may be there already, each named by a key of the producer's choice.

A key is claimed by an INSERT, which waits for a producer that claims it at this moment, and then knows: never
by a look before the write. What is claimed without a message is free for the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from outbox.connections.connection import ProducerConnection
from outbox.enqueue.prepared_message import PreparedMessage
from outbox.enqueue.write import write
from outbox.errors import OutboxError
from outbox.statements import Catalog

UNNAMED = 0
"""The id that stands in a claim until its message is written."""


class Written(NamedTuple):
    """The ids of all messages, in their order, and those that were written, with their own ids."""

    ids: list[int]
    messages: Sequence[PreparedMessage]
    message_ids: list[int]


class DuplicateMessage(OutboxError, ValueError):
    """A message that was to be the only one of its ``dedup_key`` in its window is there already.

    ``message_id`` is its id. Nothing was written, and the caller's transaction is usable.
    """

    def __init__(self, queue: str, dedup_key: str, message_id: int) -> None:
        super().__init__(queue, dedup_key, message_id)
        self.queue = queue
        self.dedup_key = dedup_key
        self.message_id = message_id

    def _sentence(self) -> str:
        return (
            f"queue {self.queue!r} has message {self.message_id} with the dedup_key {self.dedup_key!r} "
            'within its window already; ignore the error, or pass on_duplicate="return" to get that id'
        )


def write_once(
    connection: ProducerConnection, catalog: Catalog, queue: str, messages: Sequence[PreparedMessage]
) -> Written:
    """Write those messages whose keys are free; the others have the ids of the messages that are there.

    Raises `DuplicateMessage`, before a message is written, for one that must not be there.
    """
    firsts = first_places(messages)
    # In one order, so that two producers of several keys do not wait for each other.
    claims = sorted(firsts.items())
    taken = claim(connection, catalog, queue, [messages[place] for _, place in claims])

    def is_new(message: PreparedMessage, place: int) -> bool:
        key = message.dedup_key
        return key is None or (key not in taken and firsts[key] == place)

    refuse_duplicates(queue, messages, taken)
    places = [place for place, message in enumerate(messages) if is_new(message, place)]
    fresh = [messages[place] for place in places]
    message_ids = write(connection, catalog, fresh)
    named = {
        message.dedup_key: id_
        for message, id_ in zip(fresh, message_ids, strict=True)
        if message.dedup_key is not None
    }
    settle(connection, catalog, queue, named)
    by_place = dict(zip(places, message_ids, strict=True))
    known = {**taken, **named}
    ids = [
        by_place[place] if message.dedup_key is None else known[message.dedup_key]
        for place, message in enumerate(messages)
    ]
    return Written(ids, fresh, message_ids)


def refuse_duplicates(queue: str, messages: Sequence[PreparedMessage], taken: Mapping[str, int]) -> None:
    """Raise for a message that must not be there already, and is."""
    for place, message in enumerate(messages):
        key = message.dedup_key
        if message.unique and key is not None and key in taken:
            error = DuplicateMessage(queue, key, taken[key])
            error.index = place if len(messages) > 1 else None
            raise error


def first_places(messages: Sequence[PreparedMessage]) -> dict[str, int]:
    """Return where each key is for the first time."""
    firsts: dict[str, int] = {}
    for place, message in enumerate(messages):
        if message.dedup_key is not None:
            firsts.setdefault(message.dedup_key, place)
    return firsts


def claim(
    connection: ProducerConnection, catalog: Catalog, queue: str, wanted: Sequence[PreparedMessage]
) -> dict[str, int]:
    """Claim the keys of messages; return the ids of the messages that have one already, by key."""
    keys = [message.dedup_key or "" for message in wanted]
    given = claims(catalog, queue, wanted)
    claimed = connection.execute(catalog["claim_keys"], given)
    if len(claimed) == len(keys):
        return {}
    found = connection.execute(catalog["claimed_keys"], {"queue": queue, "dedup_keys": given["dedup_keys"]})
    ids = {keys[int(place)]: int(message_id) for place, message_id in found}
    return {key: message_id for key, message_id in ids.items() if message_id != UNNAMED}


def claims(catalog: Catalog, queue: str, wanted: Sequence[PreparedMessage]) -> dict[str, object]:
    """Return the parameters of the statements that make and claim the keys of messages."""
    return {
        "queue": queue,
        "dedup_keys": catalog.dialect.any_texts(message.dedup_key or "" for message in wanted),
        "windows": catalog.dialect.integers(message.window_us or 0 for message in wanted),
    }


def settle(connection: ProducerConnection, catalog: Catalog, queue: str, named: Mapping[str, int]) -> None:
    """Write the ids of the new messages into the claims of their keys."""
    if named:
        parameters: dict[str, object] = {
            "queue": queue,
            "dedup_keys": catalog.dialect.any_texts(named),
            "body_ids": catalog.dialect.integers(named.values()),
        }
        connection.execute(catalog["name_keys"], parameters)
