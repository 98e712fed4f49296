"""From a filter to the very letters that an operator will touch.

What is shown before the question is what is touched after it: letters that fail meanwhile are not among
the ids. Ids alone are read, never payloads.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import partial

from outbox.access import Access
from outbox.backends.protocol import Backend
from outbox.dead_letters import search
from outbox.dead_letters.letter import DeadLetterStatus
from outbox.dead_letters.scope import DeadLetterFilter
from outbox.dead_letters.store import Store
from outbox.values.identity import NAMELESS

# Ids read at once: a statement's worth, whatever the filter.
PAGE = 1_000


def select(backend: Backend, wanted: DeadLetterFilter, among: Sequence[DeadLetterStatus]) -> Sequence[int]:
    """Return the ids that match in these statuses, oldest first; of claimed ones only what is overdue.

    They take eight bytes each, however many there are.
    """
    access = Access(backend, partial(Store, names=NAMELESS))
    found = array("q")
    after: int | None = 0
    while after is not None and (wanted.limit is None or len(found) < wanted.limit):
        look = partial(search.portion, scope=wanted, among=among, after=after, size=PAGE)
        ids, after = access.read(None, look)
        found.extend(ids)
    return found[: wanted.limit]
