"""How far a command has come with its letters, on standard error if that is a terminal."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


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
