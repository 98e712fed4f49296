"""The root of all commands."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import click

from outbox.cli.commands import OutboxGroup, examples
from outbox.cli.dead_letters.group import dead_letters
from outbox.cli.doctor import doctor
from outbox.cli.healthcheck import healthcheck
from outbox.cli.loading import load
from outbox.cli.parked import parked
from outbox.cli.plan import plan
from outbox.cli.queues import hold, purge, queues
from outbox.cli.run import run
from outbox.cli.schema import schema
from outbox.cli.status import status

# The integrations stand above the command line and bring commands of their own: named, not imported.
INTEGRATIONS = (
    "outbox.contrib.prometheus.command:metrics",
    "outbox.contrib.relays.command:relay",
    "outbox.contrib.web.command:web",
)


def installed_version() -> str:
    """Return the version of the distribution."""
    try:
        return version("outbox-pipeline")
    except PackageNotFoundError:  # a plain checkout
        return "unknown"


@click.group(
    cls=OutboxGroup,
    epilog=examples(
        "export OUTBOX_URL=postgresql://app@db.example.com/shop",
        "outbox schema migrate",
        "outbox status --watch",
        "outbox dead-letters list --queue orders",
        "outbox doctor",
    )
    + "\n\n\b\nExit codes:\n"
    "    0  done, nothing is wrong\n"
    "    1  something is wrong or went wrong\n"
    "    2  wrong usage, configuration or missing driver\n"
    "    3  the server cannot be reached or used\n"
    "    4  the tables are missing or too old\n"
    "    5  not confirmed, nothing was changed\n"
    "    6  the workers did not stop in time\n"
    "  130  interrupted (128 + the signal's number)\n"
    "  141  the reader of the output went away",
)
@click.version_option(installed_version(), prog_name="outbox", message="%(prog)s %(version)s")
def app() -> None:
    """Look after the tables, workers and dead letters of a transactional outbox.

    Give the database with --url, or better with OUTBOX_URL: a command line can be read by everybody on the
    machine. The options that all commands have may stand before or after the command's name.
    """


for command in (schema, status, purge, parked, queues, hold, dead_letters, run, plan, healthcheck, doctor):
    app.add_command(command)
for name in INTEGRATIONS:
    app.add_command(load(name))
