"""``outbox status``: what waits, who works, what is stuck."""

from __future__ import annotations

import click

from outbox.cli.commands import OutboxCommand, examples, pass_settings
from outbox.cli.sentences import no_such_queue
from outbox.cli.settings import Settings
from outbox.cli.status_view import Shown, show
from outbox.cli.target import connected
from outbox.cli.watch import watch as watch_status
from outbox.cli.words import parse_duration
from outbox.facade.status import read_status


@click.command(
    cls=OutboxCommand,
    epilog=examples(
        "outbox status",
        "outbox status --watch --interval 1",
        "outbox status --queue orders --all",
        "outbox status --json | jq '.partitions[] | select(.last_error)'",
    ),
)
@click.option("--queue", "queues", multiple=True, metavar="NAME", help="Only this queue; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="Show idle partitions too.")
@click.option("--watch", is_flag=True, help="Refresh until Ctrl-C; with --json, a line each time.")
@click.option(
    "--interval",
    type=parse_duration,
    metavar="TIME",
    default="2s",
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

    --watch goes on when the server is away, says so, and shows the status again when it is back.
    """
    shown = Shown(frozenset(queues), everything=everything)
    if watch:
        watch_status(settings, max(interval, 0.1), shown)
        return
    with connected(settings, reading=True) as backend:
        found = read_status(backend)
    if missing := shown.queues - {row.queue for row in found.partitions}:
        raise click.UsageError(no_such_queue(missing, {row.queue for row in found.partitions}))
    show(settings, found, shown)
