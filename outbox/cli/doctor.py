"""The command ``outbox doctor``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import click
from rich.text import Text

from outbox.backends.connect import open_backend
from outbox.cli.commands import OutboxCommand, examples, pass_settings
from outbox.cli.exits import Exit
from outbox.cli.loading import load_builder
from outbox.cli.output import emit, emit_json, emit_rich, our_own_output, plain
from outbox.cli.settings import Settings
from outbox.cli.target import check_file, reach
from outbox.cli.words import parse_duration
from outbox.doctor import Finding, Level, Patient, examine
from outbox.facade.options import Options
from outbox.values.readable import count

STYLES = {Level.OK: "green", Level.NONE: "dim", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}
WIDTH = 14  # the longest name of a check, and two blanks


@click.command(
    cls=OutboxCommand,
    epilog=examples(
        "outbox doctor", "outbox doctor --builder shop.outbox:builder --strict", "outbox doctor --json"
    ),
)
@click.option(
    "--builder",
    metavar="MODULE:BUILDER",
    help="The application's builder: its database, pool and threads are looked at.",
)
@click.option(
    "--stalled-after",
    type=parse_duration,
    metavar="TIME",
    default="60s",
    show_default=True,
    help="How long a message may wait.",
)
@click.option("--strict", is_flag=True, help="Exit code 1 for warnings too.")
@pass_settings
def doctor(settings: Settings, builder: str | None, stalled_after: float, *, strict: bool) -> Exit:
    """Look for what is wrong: drivers, server, tables, clock, connections, queues, leases, dead letters.

    Each finding says what to do. Creates nothing in the database and changes nothing.

    Exit codes: 0 nothing is wrong, 1 there is a problem, 3 the server cannot be reached.
    """
    options = options_of(builder, settings)
    target = settings.required_target() if options is None else options.target
    naming = settings.naming if options is None else options.naming
    if isinstance(target, str):
        check_file(target)
    listen_url = None if options is None else options.listen_url
    backend = open_backend(target, naming=naming, pool_size=2, listen_url=listen_url)
    try:
        reach(backend, reading=True)
        found = list(examine(Patient(backend, target, options, stalled_after=stalled_after)))
    finally:
        backend.close()
    report(settings, found)
    wrong = any(finding.level is Level.PROBLEM or (strict and finding.is_bad) for finding in found)
    return Exit.FAILED if wrong else Exit.OK


def options_of(builder: str | None, settings: Settings) -> Options | None:
    """Return what the application's builder was told."""
    if builder is None and settings.project is None:
        return None
    with our_own_output(settings):  # the application's module may print
        return load_builder(builder, settings).options


def report(settings: Settings, found: list[Finding]) -> None:
    """Print the findings and their sum."""
    if settings.json:
        emit_json([dataclasses.asdict(finding) | {"level": finding.level.value} for finding in found])
        return
    emit_rich(*(line for finding in found for line in lines(finding, settings)))
    problems = sum(finding.level is Level.PROBLEM for finding in found)
    warnings = sum(finding.level is Level.WARNING for finding in found)
    emit(f"\n{count(problems, 'problem')}, {count(warnings, 'warning')}")


def lines(finding: Finding, settings: Settings) -> Iterator[Text]:
    """Yield what is printed of a finding."""
    mark = Text(f"{finding.level.value:<9}", style=STYLES[finding.level])
    text = plain(settings.scrub(finding.text))
    yield Text.assemble(mark, f"{finding.check:<{WIDTH}}{text}")
    if finding.advice:
        yield Text(f"{'':<{9 + WIDTH}}-> {plain(finding.advice)}")
