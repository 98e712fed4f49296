"""Change letters that were selected before, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from outbox.dead_letters.replaying import Progress
from outbox.dead_letters.scope import DeadLetterScope

PORTION = 200
"""Letters in one transaction: row locks stay short, and progress shows several times a second."""


def change_in_portions(
    ids: Sequence[int], change: Callable[[DeadLetterScope], int], *, progress: Progress | None = None
) -> int:
    """Call ``change`` with portions of the ids, each a transaction of its own; return how many changed.

    What changed before an error stays changed.
    """
    changed = 0
    for start in range(0, len(ids), PORTION):
        portion = ids[start : start + PORTION]
        changed += change(DeadLetterScope(ids=portion))
        if progress is not None:
            progress(len(portion))
    return changed
