"""``--drain``: workers that end when nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rich.progress import TaskID

from outbox.cli.progress import LongCommand, progress
from outbox.cli.settings import Settings
from outbox.errors import OutboxError
from outbox.facade.handle import OutboxHandle


@contextmanager
def draining(handle: OutboxHandle, settings: Settings, *, wanted: bool) -> Iterator[Callable[[], bool]]:
    """Yield what tells whether nothing is left, and shows how far it is; never, unless ``wanted``."""
    if not wanted:
        yield lambda: False
        return
    with progress(quiet=settings.json) as bar:
        task = bar.add_task("draining", total=handle.left())
        yield partial(look, handle, bar, task)
        if not bar.tasks[0].finished:
            bar.interrupted()


def look(handle: OutboxHandle, bar: LongCommand, task: TaskID) -> bool:
    """Show what this process has done so far; return whether nothing is left."""
    try:
        over = handle.drained()
    except OutboxError:  # the workers' log tells of an outage
        return False
    done, shown = handle.stats().counters["processed"], bar.tasks[0]
    # Messages come meanwhile, and other processes deliver some: in the end it is what this one has done.
    if over or (shown.total is not None and done > shown.total):
        bar.update(task, total=done)
    bar.advance(task, done - shown.completed)
    return over
