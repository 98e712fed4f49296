"""How far a long command has come: a bar on a terminal, else a line now and then, none with ``--json``."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from outbox.clock import Clock, Deadline, monotonic
from outbox.values.readable import duration

LINE_EVERY: Final = 10.0
"""Seconds between two lines in a log: six a minute."""


class RateColumn(ProgressColumn):
    """How many are done a second."""

    def render(self, task: Task) -> Text:
        """Return the rate, once there is one."""
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s")


class LongCommand(Progress):
    """A bar, or lines; and when the command is interrupted, what is done."""

    def __init__(self, *, quiet: bool, clock: Clock = monotonic) -> None:
        terminal = sys.stderr.isatty()
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            # What a handler prints belongs above the bar on a terminal, and nowhere but to a file.
            redirect_stdout=sys.stdout.isatty(),
            transient=True,
            disable=quiet or not terminal,
            get_time=clock,
        )
        self._lines = not (quiet or terminal)
        self._clock = clock
        self._next_line = Deadline.after(LINE_EVERY, clock=clock)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Count what is done, and tell of it where that is due."""
        super().advance(task_id, advance)
        if self._lines and self._next_line.passed:
            self._next_line = Deadline.after(LINE_EVERY, clock=self._clock)
            sys.stderr.write(f"outbox: {line(self.tasks[self.task_ids.index(task_id)])}\n")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, where)
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self.interrupted()

    def interrupted(self) -> None:
        """Say what is done: also to scripts, whose answer is on the other stream."""
        for task in self.tasks:
            sys.stderr.write(f"outbox: {line(task)}; the same command goes on with the rest\n")


def progress(*, quiet: bool) -> LongCommand:
    """Return what tells of a long command, a context manager."""
    return LongCommand(quiet=quiet)


@contextmanager
def busy(label: str, *, quiet: bool, every: float = LINE_EVERY) -> Iterator[None]:
    """Show for how long something has been going on of which only the database knows how far it is."""
    if quiet:
        yield
    elif sys.stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            bar.add_task(label, total=None)
            yield
    else:
        over = threading.Event()
        teller = threading.Thread(target=tell, args=(label, over, every), daemon=True)
        teller.start()
        try:
            yield
        finally:
            over.set()
            teller.join()


def tell(label: str, over: threading.Event, every: float) -> None:
    """Write a line now and then until it is over."""
    began = monotonic()
    while not over.wait(every):
        sys.stderr.write(f"outbox: {label} for {duration(monotonic() - began)} so far\n")


def line(task: Task) -> str:
    """Return how far a task has come, with rate and rest."""
    rest = task.time_remaining
    more = [f"{task.speed:,.0f} a second"] if task.speed else []
    more += [f"{duration(rest)} left"] if rest else []
    of = "" if task.total is None else f" of {task.total:,.0f}"
    return f"{task.description}: {task.completed:,.0f}{of}" + (f" ({', '.join(more)})" if more else "")
