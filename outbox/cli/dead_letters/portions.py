"""Work on letters portion by portion, with a bar on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

PORTION = 200
"""Letters changed in one transaction."""


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
