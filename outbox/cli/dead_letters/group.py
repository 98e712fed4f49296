"""The group of all commands about dead letters."""

from __future__ import annotations

import click

from outbox.cli.commands import OutboxGroup, examples
from outbox.cli.dead_letters.changing import cleanup_command, discard_command, requeue_command
from outbox.cli.dead_letters.grouping import groups_command, rehearse_command
from outbox.cli.dead_letters.looking import count_command, list_command, show_command
from outbox.cli.dead_letters.replaying import replay_command
from outbox.cli.dead_letters.settling import reject_command, resolve_command


@click.group(
    "dead-letters",
    cls=OutboxGroup,
    epilog=examples(
        "outbox dead-letters list --queue orders",
        "outbox dead-letters replay --queue orders --handler shop.handlers:ship",
    ),
)
def dead_letters() -> None:
    """Look at dead letters, run them again, give them up.

    pending -> reprocessing (claimed by replay, with a deadline) -> resolved; back to pending on reject, and
    claimable again when the deadline passes; pending -> discarded. Cleanup deletes resolved and discarded
    ones. Nothing is replayed by itself.
    """


for command in (
    list_command,
    count_command,
    show_command,
    groups_command,
    rehearse_command,
    replay_command,
    resolve_command,
    reject_command,
    requeue_command,
    discard_command,
    cleanup_command,
):
    dead_letters.add_command(command)
