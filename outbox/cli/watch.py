"""``outbox status --watch``: look again and again, past an outage too."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from outbox.cli.exits import CommandError
from outbox.cli.output import emit, plain, render
from outbox.cli.sentences import sentence
from outbox.cli.settings import Settings
from outbox.cli.status_view import Shown, show, view
from outbox.cli.target import connected
from outbox.errors import DatabaseError, SchemaNotReady
from outbox.facade.status import OutboxStatus, read_status
from outbox.values.readable import duration

PASSING = (DatabaseError, SchemaNotReady, CommandError)
"""What an outage, a failover or a file that is being exchanged looks like."""


def watch(settings: Settings, interval: float, shown: Shown) -> None:
    """Show the status again and again until Ctrl-C, on a terminal in its own place."""
    found = looks(settings, interval)
    console = Console(highlight=False)
    try:
        if settings.json or not console.is_terminal:
            in_lines(settings, found, shown, interval)
        else:
            in_place(settings, found, shown, interval, console)
    except KeyboardInterrupt:
        return  # the way to end it


def looks(settings: Settings, interval: float) -> Iterator[OutboxStatus | Exception]:
    """Yield what was seen, or why nothing was; only at the first look that is raised."""
    seen = False
    while True:
        try:
            with connected(settings, reading=True) as backend:
                while True:
                    yield read_status(backend)
                    seen = True
                    time.sleep(interval)
                    if backend.catalog.dialect.is_embedded:
                        break  # its path may lead nowhere, or to another file, by now
        except PASSING as error:
            if not seen:
                raise
            yield error
            time.sleep(interval)


def in_lines(
    settings: Settings, found: Iterator[OutboxStatus | Exception], shown: Shown, interval: float
) -> None:
    """Print each look; the beginning and the end of an outage go to standard error."""
    away = False
    for look in found:
        if isinstance(look, Exception):
            if not away:
                sys.stderr.write(f"outbox: {trouble(settings, look, interval)}\n")
            away = True
            continue
        if away:
            sys.stderr.write("outbox: connection restored\n")
        away = False
        show(settings, look, shown)
        if not settings.json:
            emit()


def in_place(
    settings: Settings,
    found: Iterator[OutboxStatus | Exception],
    shown: Shown,
    interval: float,
    console: Console,
) -> None:
    """Draw each look over the one before; during an outage, what was seen last stays below the trouble."""
    last: RenderableType = ""
    with Live(console=console, auto_refresh=False) as live:
        for look in found:
            clock = time.strftime("%H:%M:%S")
            if isinstance(look, Exception):
                above = Text(f"{clock}  {plain(trouble(settings, look, interval))}\n", style="bold red")
                live.update(Group(above, last), refresh=True)
            else:
                last = Text.from_ansi(f"{clock}\n\n{render(*view(look, shown))}")
                live.update(last, refresh=True)


def trouble(settings: Settings, error: Exception, interval: float) -> str:
    """Say why there is nothing to see, and that it is not the end."""
    return f"{settings.scrub(sentence(error, settings))}; looking again every {duration(interval)}"
