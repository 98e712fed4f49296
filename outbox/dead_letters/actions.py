"""What can be done to the letters of a scope, each step in the transaction of the caller.

Candidates are looked for without locks, one bounded portion after the other. They may have changed since,
so each action locks those that still qualify before it changes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from outbox.dead_letters.letter import DeadLetter, DeadLetterStatus
from outbox.dead_letters.scope import DeadLetterScope
from outbox.dead_letters.search import COMPLETED, OPEN, portion
from outbox.dead_letters.store import Store
from outbox.enqueue.prepared_message import PreparedMessage
from outbox.values.headers import write_headers

# Letters that one statement locks and changes: rows stay locked briefly, and no list gets long.
ROWS = 500
# Payloads in memory at once while letters are requeued.
BYTES_AT_ONCE = 8_000_000


class Changed(NamedTuple):
    """How many letters of a portion changed, and behind which id to look on: None at the end."""

    letters: int
    last: int | None


class ChangePortion(Protocol):
    """Changes up to ``size`` letters of a scope that are above the id ``after``."""

    def __call__(self, store: Store, *, scope: DeadLetterScope, after: int, size: int) -> Changed:
        """Change them in the open transaction."""


@dataclass
class Requeued:
    """The new messages, and where they went."""

    message_ids: list[int] = field(default_factory=list)
    partition_ids: set[int] = field(default_factory=set)


def claim(
    store: Store, scope: DeadLetterScope, limit: int, *, token: str, timeout: float, pending_after: int = 0
) -> list[DeadLetter]:
    """Hand up to ``limit`` open letters to a claimant, oldest first; return them as claimed."""
    claimed: list[DeadLetter] = []
    after: int | None = 0
    while after is not None and len(claimed) < limit:
        size = min(ROWS, limit - len(claimed))
        ids, after = portion(store, scope, OPEN, after, size, pending_after=pending_after)
        taken = list(store.lock_open(ids))
        store.claim(taken, token, timeout)
        claimed += store.read(taken)
    return claimed


def requeue(store: Store, scope: DeadLetterScope) -> Requeued:
    """Write new messages for open letters, in the order of the letters, and resolve these."""
    requeued = Requeued()
    after: int | None = 0
    while after is not None and len(requeued.message_ids) != scope.limit:
        size = portion_size(scope, len(requeued.message_ids))
        ids, after = portion(store, scope, OPEN, after, size)
        for group in by_bytes(store.lock_open(ids)):
            # A letter whose partition is gone stays: a message there would never be seen again.
            letters = [letter for letter in store.read(group) if letter.queue]
            requeued.message_ids += store.enqueue([message(letter) for letter in letters])
            requeued.partition_ids.update(letter.partition_id for letter in letters)
            store.complete([letter.id for letter in letters], DeadLetterStatus.RESOLVED)
    return requeued


def discard(store: Store, *, scope: DeadLetterScope, after: int, size: int) -> Changed:
    """Give a portion of open letters up for good."""
    ids, last = portion(store, scope, OPEN, after, size)
    taken = list(store.lock_open(ids))
    store.complete(taken, DeadLetterStatus.DISCARDED)
    return Changed(len(taken), last)


def delete(store: Store, *, scope: DeadLetterScope, after: int, size: int) -> Changed:
    """Delete a portion of completed letters."""
    ids, last = portion(store, scope, COMPLETED, after, size)
    taken = store.lock_completed(ids)
    store.delete(taken)
    return Changed(len(taken), last)


def resolve(store: Store, claims: Mapping[str, Sequence[int]]) -> int:
    """Resolve those letters that their claims still hold; return how many these are."""
    held = list(still_held(store, claims))
    for ids in held:
        store.complete(ids, DeadLetterStatus.RESOLVED)
    return sum(map(len, held))


def reject(store: Store, claims: Mapping[str, Sequence[int]], reason: str, kind: str) -> int:
    """Give those letters back that their claims still hold; return how many these are."""
    held = list(still_held(store, claims))
    for ids in held:
        store.reject(ids, reason, kind)
    return sum(map(len, held))


def still_held(store: Store, claims: Mapping[str, Sequence[int]]) -> Iterator[list[int]]:
    """Lock those letters that their claims still hold; yield them in portions."""
    for token, ids in claims.items():
        for start in range(0, len(ids), ROWS):
            yield store.lock_claimed(ids[start : start + ROWS], token)


def portion_size(scope: DeadLetterScope, done: int) -> int:
    """Return how many letters to look for next when ``done`` of the scope have changed."""
    return ROWS if scope.limit is None else min(ROWS, scope.limit - done)


def message(letter: DeadLetter) -> PreparedMessage:
    """Return the message that a letter was."""
    return PreparedMessage(
        letter.partition_id,
        letter.payload,
        letter.payload_type,
        write_headers(letter.headers),
        letter.key,
        letter.uid,
        letter.origin,
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
