"""What can be done to a portion of letters; each locks what still qualifies and changes that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from outbox.dead_letters.letter import DeadLetter
from outbox.dead_letters.status import DeadLetterStatus
from outbox.dead_letters.store import Store
from outbox.enqueue.prepared_message import PreparedMessage
from outbox.values.headers import encode_headers

BYTES_AT_ONCE = 8_000_000


class Requeued(NamedTuple):
    """A new message, and where it went."""

    message_id: int
    partition_id: int


def claim(store: Store, ids: Sequence[int], *, token: str, timeout: float) -> list[DeadLetter]:
    """Hand open letters to a claimant; return them as claimed."""
    taken = list(store.lock_open(ids))
    store.claim(taken, token, timeout)
    return store.read(taken)


def discard(store: Store, ids: Sequence[int]) -> list[int]:
    """Give open letters up for good; return which."""
    taken = list(store.lock_open(ids))
    store.complete(taken, DeadLetterStatus.DISCARDED)
    return taken


def delete(store: Store, ids: Sequence[int]) -> list[int]:
    """Delete completed letters; return which."""
    taken = store.lock_completed(ids)
    store.delete(taken)
    return taken


def requeue(store: Store, ids: Sequence[int]) -> list[Requeued]:
    """Write new messages for open letters, in the order of the letters, and resolve these."""
    requeued: list[Requeued] = []
    for group in by_bytes(store.lock_open(ids)):
        # A letter whose partition is gone stays: a message there would never be seen again.
        letters = [letter for letter in store.read(group) if letter.queue]
        message_ids = store.enqueue([message(letter) for letter in letters])
        store.complete([letter.id for letter in letters], DeadLetterStatus.RESOLVED)
        requeued += map(Requeued, message_ids, [letter.partition_id for letter in letters])
    return requeued


def message(letter: DeadLetter) -> PreparedMessage:
    """Return the message that a letter was."""
    return PreparedMessage(
        letter.partition_id, letter.payload, letter.payload_type, encode_headers(letter.headers)
    )


def by_bytes(sizes: Mapping[int, int]) -> Iterator[list[int]]:
    """Group ids so that the payloads of a group fit into memory; a large one is alone."""
    group: list[int] = []
    total = 0
    for id_, size in sizes.items():
        if group and total + size > BYTES_AT_ONCE:
            yield group
            group, total = [], 0
        group.append(id_)
        total += size
    if group:
        yield group
