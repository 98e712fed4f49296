"""``list``, ``count`` and ``show``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

import click

from outbox.cli.commands import OutboxCommand, examples, pass_settings
from outbox.cli.dead_letters.filters import filtered, limited, make_filter, with_status
from outbox.cli.dead_letters.view import as_json, cells, details, emit_table
from outbox.cli.exits import ClosedPipe, CommandError
from outbox.cli.output import emit, emit_json, emit_json_array
from outbox.cli.settings import Settings
from outbox.cli.target import connected
from outbox.cli.words import WholeNumber
from outbox.dead_letters import DeadLetter, DeadLetterFilter, DeadLetters
from outbox.facade.assembly import open_dead_letters

PAGE = 100  # letters of one statement: whole payloads are in memory meanwhile
LINES = 1_000
"""Rows in one table with a heading; the next ones get a new table."""


@click.command(
    "list",
    cls=OutboxCommand,
    epilog=examples(
        "outbox dead-letters list",
        "outbox dead-letters list --queue orders --failed-after 2h",
        "outbox dead-letters list --status any --limit 10000 --json > letters.json",
        "outbox dead-letters list --after-id 4711",
    ),
)
@filtered
@with_status
@limited(PAGE)
@click.option(
    "--after-id", type=WholeNumber(min=0), metavar="ID", help="Go on after the last letter of a page."
)
@click.option("--payload", is_flag=True, help="Add the payloads to --json.")
@pass_settings
def list_command(settings: Settings, /, *, limit: int, payload: bool, **filters: Any) -> None:
    """List dead letters, newest first; pending ones unless told otherwise."""
    with connected(settings, reading=True) as backend:
        found = first(open_dead_letters(backend), make_filter(backend, **filters), limit)
        if settings.json:
            emit_json_array(as_json(letter, payload=payload) for letter in found)
            return
        shown, last = 0, 0
        # The payloads stay behind letter by letter, and the lines table by table.
        for rows in portioned(map(cells, found), LINES):
            emit_table(rows)
            shown, last = shown + len(rows), rows[-1][0]
    if not shown:
        emit("no dead letters match")
    elif shown == limit:
        sys.stderr.write(f"outbox: there may be more; go on with --after-id {last} or a higher --limit\n")


def portioned(rows: Iterator[tuple[Any, ...]], size: int) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows in lists of ``size``."""
    while portion := list(islice(rows, size)):
        yield portion


def first(letters: DeadLetters, wanted: DeadLetterFilter, limit: int) -> Iterator[DeadLetter]:
    """Yield up to ``limit`` letters and hold one page of them."""
    wanted = wanted.replace(limit=min(limit, PAGE))
    for page in letters.pages(wanted):
        yield from page[:limit]
        limit -= len(page)
        if limit <= 0:
            return


@click.command(
    "count",
    cls=OutboxCommand,
    epilog=examples(
        "outbox dead-letters count --queue orders", "outbox dead-letters count --status any --json"
    ),
)
@filtered
@with_status
@pass_settings
def count_command(settings: Settings, /, **filters: Any) -> None:
    """Count dead letters; pending ones unless told otherwise."""
    with connected(settings, reading=True) as backend:
        number = open_dead_letters(backend).count(make_filter(backend, **filters))
    if settings.json:
        emit_json({"count": number})
    else:
        emit(str(number))


@click.command(
    "show",
    cls=OutboxCommand,
    epilog=examples("outbox dead-letters show 4711", "outbox dead-letters show 4711 --raw > payload.bin"),
)
@click.argument("ids", nargs=-1, required=True, type=WholeNumber(min=1), metavar="ID...")
@click.option("--raw", is_flag=True, help="Write the payload's bytes and nothing else.")
@pass_settings
def show_command(settings: Settings, ids: tuple[int, ...], *, raw: bool) -> None:
    """Show dead letters in full, with their payloads."""
    with connected(settings, reading=True) as backend:
        wanted = DeadLetterFilter(status=None, ids=ids, limit=len(ids))
        found = {letter.id: letter for letter in open_dead_letters(backend).list(wanted)}
    if missing := [str(id_) for id_ in ids if id_ not in found]:
        raise CommandError(f"there is no dead letter {', '.join(missing)}")
    letters = [found[id_] for id_ in ids]
    if raw:
        write_raw(b"".join(letter.payload for letter in letters))
    elif settings.json:
        emit_json([as_json(letter, payload=True) for letter in letters])
    else:
        emit("\n\n".join("\n".join(details(letter)) for letter in letters))


def write_raw(data: bytes) -> None:
    """Write bytes to standard output."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise ClosedPipe from None
