"""From a filter to the very letters that a command will touch.

What is shown before the question is what is touched after it: letters that fail meanwhile are not among
the ids. Ids alone are read, never payloads.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from outbox.access import Access
from outbox.backends.protocol import Backend
from outbox.dead_letters import DeadLetterFilter, DeadLetterStatus, search
from outbox.dead_letters.store import Store
from outbox.values.identity import NAMELESS

PAGE = 1_000
PORTION = 200
"""Letters changed in one transaction."""


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


def portions(ids: Sequence[int], label: str, *, quiet: bool, size: int = PORTION) -> Iterator[list[int]]:
    """Yield the ids in portions, with a bar on standard error if that is a terminal."""
    with progress(quiet=quiet) as bar:
        task = bar.add_task(label, total=len(ids))
        for start in range(0, len(ids), size):
            portion = list(ids[start : start + size])
            yield portion
            bar.advance(task, len(portion))


def progress(*, quiet: bool) -> Progress:
    """Return a bar that shows on a terminal only."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        # What a handler prints belongs above the bar on a terminal, and nowhere but to a file.
        redirect_stdout=sys.stdout.isatty(),
        transient=True,
        disable=quiet or not sys.stderr.isatty(),
    )
