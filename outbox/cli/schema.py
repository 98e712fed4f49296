"""``outbox schema``: the tables."""

from __future__ import annotations

import click

from outbox.backends.connect import DATABASES, parse_url
from outbox.cli.commands import OutboxGroup, examples, pass_settings
from outbox.cli.confirm import confirm, yes_option
from outbox.cli.exits import CommandError, Exit
from outbox.cli.output import emit, emit_json, emit_rich, table
from outbox.cli.progress import busy
from outbox.cli.settings import Settings
from outbox.cli.status_view import what_they_hold
from outbox.cli.target import check_file, connected, shown_url
from outbox.facade.status import read_status
from outbox.grants import ROLES, grants
from outbox.installation import Installation
from outbox.schema import Migration, migrate, migrations, rollback, steps_of
from outbox.statements.tables import DEFAULT_PREFIX


@click.group(
    cls=OutboxGroup,
    epilog=examples("outbox schema migrate", "outbox schema print --backend postgresql > outbox.sql"),
)
def schema() -> None:
    """Create, check, print and drop the tables."""


@schema.command(
    "print",
    epilog=examples(
        "outbox schema print --backend postgresql > outbox.sql",
        "outbox schema print --backend mysql --prefix shop --down",
    ),
)
@click.option(
    "--backend",
    type=click.Choice(list(DATABASES)),
    help="Which database's SQL; that of --url unless given.",
)
@click.option("--down", is_flag=True, help="Print what drops the tables, in reverse.")
@pass_settings
def print_command(settings: Settings, backend: str | None, *, down: bool) -> None:
    """Print the SQL of the migrations, for Alembic or a DBA; connects to nothing.

    What is printed also writes down that it ran, so `outbox schema status` knows.
    """
    family = backend or parse_url(settings.required_url()).get_backend_name()
    steps = migrations(family, prefix=settings.prefix or DEFAULT_PREFIX, schema=settings.schema)
    if settings.json:
        emit_json([{"name": step.name, "up": step.up, "down": step.down} for step in steps])
        return
    for step in reversed(steps) if down else steps:
        emit(f"-- {step.name}{' (down)' if down else ''}\n\n{(step.down if down else step.up).strip()}\n")


@schema.command(
    "grants",
    epilog=examples(
        "outbox schema grants producer shop_web --backend postgresql",
        "outbox schema grants worker shop_worker@10.0.% --url mysql://root@db.example.com/shop",
    ),
)
@click.argument("role", type=click.Choice(ROLES))
@click.argument("user")
@click.option(
    "--backend",
    type=click.Choice(list(DATABASES)),
    help="Which database's SQL; that of --url unless given.",
)
@click.option("--database", help="MySQL and MariaDB: the database; that of --url unless given.")
@pass_settings
def grants_command(
    settings: Settings, role: str, user: str, backend: str | None, database: str | None
) -> None:
    r"""Print the GRANTs that let USER do the task of a role, for a DBA; connects to nothing.

    \b
    owner     creates, migrates and drops the tables
    producer  opens an outbox of registered queues, and enqueues
    worker    registers queues, delivers, works on dead letters
    monitor   reads: status, watch, dead-letters list, doctor

    A process that does two tasks gets both roles. Print them again after an upgrade: it may add tables.
    """
    if backend is None:
        url = parse_url(settings.required_url())
        backend, database = url.get_backend_name(), database or url.database
    naming = settings.naming
    commands = grants(backend, role, user, prefix=naming.prefix, schema=naming.schema, database=database)
    if settings.json:
        emit_json({"role": role, "user": user, "commands": commands})
    else:
        emit("\n".join(f"{command};" for command in commands))


@schema.command(
    "migrate",
    epilog=examples(
        "outbox schema migrate --url postgresql://app@db.example.com/shop",
        "outbox schema migrate --prefix shop",
    ),
)
@pass_settings
def migrate_command(settings: Settings) -> None:
    """Create or upgrade the tables. Safe to run at any time, by any number of processes at once."""
    naming = settings.naming
    url = settings.required_url()
    with busy("migrating", quiet=settings.json):
        applied = migrate(url, prefix=naming.prefix, schema=naming.schema)
    if settings.json:
        emit_json({"applied": applied})
    elif applied:
        emit("\n".join(f"applied {name}" for name in applied))
    else:
        emit("nothing to do: the tables are up to date")


@schema.command(
    "new-epoch",
    epilog=examples("outbox schema new-epoch --url mysql://app@db.example.com/shop"),
)
@pass_settings
def new_epoch_command(settings: Settings) -> None:
    """Begin an epoch, after a backup was restored or a standby took over: numbers may come again.

    PostgreSQL tells of that by itself. Messages that are there keep their names.
    """
    with connected(settings) as backend:
        identity = Installation(backend).new_epoch()
    if settings.json:
        emit_json({"installation": identity.installation, "epoch": identity.epoch})
    else:
        emit(f"epoch {identity.epoch} of installation {identity.installation} begins")


@schema.command("status", epilog=examples("outbox schema status", "outbox schema status --json"))
@pass_settings
def status_command(settings: Settings) -> Exit:
    """Tell which migrations are applied. Exit code 4 when some are not."""
    with connected(settings, ready=False, reading=True) as backend:
        applied = set(backend.applied_migrations() or ())
        names = [step.name for step in steps_of(backend)]
    states = {name: name in applied for name in names}
    # What a newer release has applied to these tables.
    unknown = sorted(applied - set(names))
    if settings.json:
        steps = [{"name": name, "applied": done} for name, done in states.items()]
        emit_json({"ready": all(states.values()), "migrations": steps, "unknown": unknown})
    else:
        rows = [(name, "applied" if done else "missing") for name, done in states.items()]
        emit_rich(
            table(["migration", "state"], rows + [(name, "unknown to this release") for name in unknown])
        )
    return Exit.OK if all(states.values()) else Exit.SCHEMA


@schema.command(
    "rollback", epilog=examples("outbox schema rollback", "outbox schema rollback --prefix test --yes")
)
@yes_option
@pass_settings
def rollback_command(settings: Settings, *, yes: bool) -> None:
    """Drop the tables with all that they hold. Shows what that is, and asks first."""
    url, naming = settings.required_url(), settings.naming
    check_file(url)
    with connected(settings, ready=False) as backend:
        applied = backend.applied_migrations()
        steps: list[Migration] = steps_of(backend)
        whole = applied is not None and {step.name for step in steps} <= set(applied)
        held = what_they_hold(read_status(backend)) if whole else "whatever is in them"
    if not applied:
        raise CommandError(f"there are no tables with the prefix {naming.prefix}", Exit.SCHEMA)
    told = f"This drops the tables {naming.prefix}_* in {shown_url(url)} with {held}."
    if not settings.json:
        emit(told)
    confirm(f"{told} Drop them?" if settings.json else "Drop them?", yes=yes)
    undone = rollback(url, prefix=naming.prefix, schema=naming.schema)
    if settings.json:
        emit_json({"undone": undone})
    else:
        emit("\n".join(f"undone {name}" for name in undone))
