"""``outbox status``: what waits, who works, what is stuck."""

from __future__ import annotations

import time
from collections.abc import Iterator

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from outbox.backends.protocol import Backend
from outbox.cli.commands import OutboxCommand, examples, pass_settings
from outbox.cli.output import emit, emit_json, emit_rich, render
from outbox.cli.settings import Settings
from outbox.cli.status_view import Shown, as_json, view
from outbox.cli.target import connected
from outbox.cli.words import parse_duration
from outbox.core.status import OutboxStatus, describe_partition


def read_status(backend: Backend) -> OutboxStatus:
    """Read the state of every partition that is registered in the database, by whichever process."""
    ids = [int(row[0]) for row in backend.look("all_partitions")]
    rows = [describe_partition(row) for row in backend.partition_status(ids)]
    return OutboxStatus(rows, backend.dead_letter_counts())


@click.command(
    cls=OutboxCommand,
    epilog=examples(
        "outbox status",
        "outbox status --watch --interval 1",
        "outbox status --queue orders --all",
        "outbox status --json | jq '.partitions[] | select(.attempts > 0)'",
    ),
)
@click.option("--queue", "queues", multiple=True, metavar="NAME", help="Only this queue; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="Show idle partitions too.")
@click.option("--watch", is_flag=True, help="Refresh until Ctrl-C; with --json, a line each time.")
@click.option(
    "--interval",
    type=parse_duration,
    metavar="TIME",
    default="2",
    show_default=True,
    help="How often --watch looks.",
)
@pass_settings
def status(
    settings: Settings, queues: tuple[str, ...], interval: float, *, everything: bool, watch: bool
) -> None:
    """Show queues, partitions and dead letters of the whole database, whichever process they belong to.

    WAITING messages are committed and have no sequence number yet, BACKLOG are sequenced and not processed.
    Below the queues stand the partitions with something to tell: a lease, a backlog, a failing message.
    """
    shown = Shown(frozenset(queues), everything=everything)
    with connected(settings, reading=True) as backend:
        if not watch:
            show(settings, read_status(backend), shown)
        else:
            try:
                watch_status(settings, looks(backend, max(interval, 0.1)), shown)
            except KeyboardInterrupt:
                return  # the way to end it


def looks(backend: Backend, interval: float) -> Iterator[OutboxStatus]:
    """Look again and again."""
    while True:
        yield read_status(backend)
        time.sleep(interval)


def show(settings: Settings, found: OutboxStatus, shown: Shown) -> None:
    """Print one look."""
    if settings.json:
        emit_json(as_json(found, shown))
    else:
        emit_rich(*view(found, shown))


def watch_status(settings: Settings, found: Iterator[OutboxStatus], shown: Shown) -> None:
    """Print each look: in the place of the one before on a terminal, else below it."""
    console = Console(highlight=False)
    if settings.json or not console.is_terminal:
        for look in found:
            show(settings, look, shown)
            if not settings.json:
                emit()
        return
    with Live(console=console, auto_refresh=False) as live:
        for look in found:
            clock = time.strftime("%H:%M:%S")
            live.update(Text.from_ansi(f"{clock}\n\n{render(*view(look, shown))}"), refresh=True)
