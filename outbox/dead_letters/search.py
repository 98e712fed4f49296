"""Look for letters without touching them, one status at a time so that each look has its index."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from outbox.dead_letters.letter import DeadLetterGroup, DeadLetterStatus
from outbox.dead_letters.scope import DeadLetterFilter, DeadLetterScope
from outbox.dead_letters.store import Store

OPEN = (DeadLetterStatus.PENDING, DeadLetterStatus.REPROCESSING)
"""What may be worked on; of the latter only claims that have run out."""
COMPLETED = (DeadLetterStatus.RESOLVED, DeadLetterStatus.DISCARDED)

EVERYTHING = DeadLetterFilter(status=None)
IDS_A_STATEMENT = 1_000
"""8 kB of parameters: a statement more costs little beside reading a thousand rows."""


class Portion(NamedTuple):
    """Ids of candidates, and behind which id to look on: ``last`` is None at the end."""

    ids: list[int]
    last: int | None


def page(store: Store, wanted: DeadLetterFilter, limit: int) -> list[int]:
    """Return the ids that match, newest first; when ``limit`` is reached there may be more."""
    if wanted.ids is not None:
        found = list(named(store, wanted))
    else:
        # A letter may change its status between two looks, and be found twice.
        found = list({id_ for status in statuses(wanted) for id_ in store.newest(wanted, status, limit)})
    return sorted(found, reverse=True)[:limit]


def count(store: Store, wanted: DeadLetterFilter) -> int:
    """Count what matches."""
    if wanted.ids is not None:
        return sum(1 for _ in named(store, wanted))
    if wanted.replace(limit=None) == EVERYTHING:
        # Answered from the index alone, which the restrictions are not.
        return store.total()
    return sum(store.count(wanted, status) for status in statuses(wanted))


def groups(store: Store, wanted: DeadLetterFilter) -> list[DeadLetterGroup]:
    """Return the groups of what matches, the largest first."""
    found = [group for status in statuses(wanted) for group in store.groups(wanted, status)]
    merged: dict[str, DeadLetterGroup] = {}
    for group in found:
        other = merged.get(group.fingerprint)
        merged[group.fingerprint] = group if other is None else other.with_more(group)
    return sorted(merged.values(), key=lambda group: (-group.count, -group.example))


def named(store: Store, wanted: DeadLetterFilter) -> Iterator[int]:
    """Yield those of the given ids that match."""
    ids = [id_ for id_ in wanted.ids or () if wanted.after_id is None or id_ < wanted.after_id]
    for start in range(0, len(ids), IDS_A_STATEMENT):
        for id_, status, _ in store.among(ids[start : start + IDS_A_STATEMENT], wanted):
            if status in statuses(wanted):
                yield id_


def statuses(wanted: DeadLetterFilter) -> tuple[DeadLetterStatus, ...]:
    """Return the statuses that a filter lets pass."""
    return tuple(DeadLetterStatus) if wanted.status is None else (wanted.status,)


def portion(
    store: Store,
    scope: DeadLetterScope,
    among: Sequence[DeadLetterStatus],
    after: int,
    size: int,
    *,
    pending_after: int = 0,
) -> Portion:
    """Return up to ``size`` candidates above the id ``after``, oldest first.

    Of the pending ones only those that are above ``pending_after`` as well.
    """
    first = max(after, scope.after_id or 0)
    starts = {DeadLetterStatus.PENDING: max(first, pending_after)}
    if scope.ids is not None:
        return named_portion(
            store, scope, {status: starts.get(status, first) for status in among}, first, size
        )
    found = {id_ for status in among for id_ in store.oldest(scope, status, starts.get(status, first), size)}
    ids = sorted(found)[:size]
    return Portion(ids, ids[-1] if len(ids) == size else None)


def named_portion(
    store: Store, scope: DeadLetterScope, starts: Mapping[DeadLetterStatus, int], after: int, size: int
) -> Portion:
    """Do the same for a scope that names ids: ``size`` of them are looked at."""
    given = tuple(scope.ids or ())
    begin = bisect_right(given, after)
    looked = given[begin : begin + size]
    ids = [
        id_
        for id_, status, overdue in (store.among(looked, scope) if looked else ())
        if id_ > starts.get(status, id_) and (overdue or status is not DeadLetterStatus.REPROCESSING)
    ]
    return Portion(ids, looked[-1] if len(given) > begin + size else None)
