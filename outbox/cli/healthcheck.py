"""``outbox healthcheck``: whether `outbox run` is alive, for an orchestrator's probe."""

from __future__ import annotations

from pathlib import Path

import click

from outbox.cli.commands import OutboxCommand, examples, pass_settings
from outbox.cli.exits import CommandError
from outbox.cli.liveness import complaint
from outbox.cli.output import emit, emit_json
from outbox.cli.settings import Settings
from outbox.cli.words import parse_duration


@click.command(
    cls=OutboxCommand,
    epilog=examples("outbox healthcheck --liveness-file /run/outbox.alive --max-age 10s"),
)
@click.option(
    "--liveness-file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PATH",
    help="The file that `outbox run --liveness-file` touches every second.",
)
@click.option(
    "--max-age",
    type=parse_duration,
    metavar="TIME",
    default="10s",
    show_default=True,
    help="How long ago it may have been touched.",
)
@pass_settings
def healthcheck(settings: Settings, liveness_file: Path, max_age: float) -> None:
    """Tell whether the process of `outbox run` is alive; looks at its liveness file and at nothing else.

    An outage of the database does not make it fail: restarting workers would not end the outage.

    Exit codes: 0 alive, 1 the file is missing or too old.
    """
    if problem := complaint(liveness_file, max_age):
        raise CommandError(problem)
    if settings.json:
        emit_json({"alive": True})
    else:
        emit("alive")
