"""``outbox plan``: pool arithmetic."""

from __future__ import annotations

import dataclasses

import click

from outbox.cli.commands import OutboxCommand, examples, pass_settings
from outbox.cli.exits import CommandError
from outbox.cli.loading import load_builder
from outbox.cli.output import emit, emit_json, emit_rich, table
from outbox.cli.settings import Settings
from outbox.cli.words import WholeNumber
from outbox.facade.plan import make_plan


@click.command(
    cls=OutboxCommand,
    epilog=examples(
        "outbox plan shop.outbox:builder --processes 8",
        "outbox plan shop.outbox:builder --processes 8 --max-connections 100",
    ),
)
@click.argument("builder", metavar="MODULE:BUILDER")
@click.option(
    "--processes", type=WholeNumber(1), default=1, show_default=True, help="How many start this builder."
)
@click.option(
    "--max-connections", type=WholeNumber(1), help="What the server or pooler allows, to compare with."
)
@pass_settings
def plan(settings: Settings, /, *, builder: str, processes: int, max_connections: int | None) -> None:
    """Tell how many threads and connections processes of workers take, at most.

    Connects to nothing. Count the processes that run side by side in a rollout too: old and new ones. Exit
    code 1 when it is more than --max-connections.
    """
    made = make_plan(load_builder(builder, settings).options, processes)
    if settings.json:
        emit_json({**dataclasses.asdict(made), "connections": made.connections})
    else:
        rows = [
            ("threads of each process", made.threads),
            ("connections of its pool, at most", made.pool),
            ("connections apart from the pool", made.apart),
            (f"connections of {processes} processes, at most", made.connections),
        ]
        emit_rich(table(["what", "#count"], rows))
    if max_connections is not None and made.connections > max_connections:
        raise CommandError(
            f"{made.connections} connections are more than the {max_connections} that are allowed; use fewer "
            "processes or processors, or a pooler"
        )
    if max_connections is not None and not settings.json:
        emit(f"{max_connections - made.connections} are left for others.")
