"""Settle letters by the claim under which they were handed out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from outbox.dead_letters.letter import DeadLetter
from outbox.dead_letters.store import Store
from outbox.errors import ConfigurationError

ROWS = 500


def by_claim(messages: Iterable[DeadLetter]) -> dict[str, list[int]]:
    """Group the ids of letters by claim; letters that were not claimed are left out."""
    found: dict[str, set[int]] = {}
    for letter in messages:
        if not isinstance(letter, DeadLetter):
            raise ConfigurationError("messages", letter, "give the DeadLetter objects that replay() returned")
        if letter.claim is not None:
            found.setdefault(letter.claim, set()).add(letter.id)
    # In one order everywhere, so that two callers never wait for each other.
    return {claim: sorted(found[claim]) for claim in sorted(found)}


def settle(
    store: Store, claims: Mapping[str, Sequence[int]], change: Callable[[Store, Sequence[int]], object]
) -> int:
    """Change those letters that their claims still hold; return how many these are."""
    changed = 0
    for claim, ids in claims.items():
        for start in range(0, len(ids), ROWS):
            held = store.lock_claimed(ids[start : start + ROWS], claim)
            change(store, held)
            changed += len(held)
    return changed
