"""``discard``, ``requeue`` and ``cleanup``: look first, ask, then change."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import click

from outbox.backends.protocol import Backend
from outbox.cli.commands import OutboxCommand, examples, pass_settings
from outbox.cli.confirm import confirm, yes_option
from outbox.cli.dead_letters.filters import filtered, limited, make_scope
from outbox.cli.dead_letters.outcome import NOT_COMPLETED, told
from outbox.cli.dead_letters.view import cells, emit_table
from outbox.cli.exits import Exit
from outbox.cli.output import emit
from outbox.cli.progress import progress
from outbox.cli.settings import Settings
from outbox.cli.target import connected
from outbox.dead_letters import DeadLetterFilter, DeadLetterScope, DeadLetterStatus
from outbox.dead_letters.operations import change_in_portions
from outbox.dead_letters.search import COMPLETED, OPEN
from outbox.facade.assembly import open_dead_letters
from outbox.values.readable import count

SHOWN = 10  # ids in a question: enough to recognise a selection by, and still on one screen
all_option = click.option("--all", "everything", is_flag=True, help="Without any filter: all of them.")


@click.command(
    "discard",
    cls=OutboxCommand,
    epilog=examples(
        "outbox dead-letters discard 4711 4712",
        "outbox dead-letters discard --queue orders --failed-before 30d --yes",
    ),
)
@filtered
@limited()
@all_option
@yes_option
@pass_settings
def discard_command(settings: Settings, /, *, yes: bool, everything: bool, **filters: Any) -> Exit:
    """Give pending letters up for good. They stay readable until cleanup. Shows them and asks first.

    Exit code 1 when not all of the named letters changed.
    """
    with connected(settings) as backend:
        ids = chosen(backend, OPEN, everything=everything, **filters)
        preview(settings, backend, ids, "discarded", yes=yes)
        discard = open_dead_letters(backend).discard
        done = change(settings, ids, "discarding", discard)
    return told(settings, "discarded", done, named=len(set(filters["ids"])))


@click.command(
    "requeue",
    cls=OutboxCommand,
    epilog=examples(
        "outbox dead-letters requeue 4711", "outbox dead-letters requeue --queue orders --type order.created"
    ),
)
@filtered
@limited()
@all_option
@yes_option
@pass_settings
def requeue_command(settings: Settings, /, *, yes: bool, everything: bool, **filters: Any) -> Exit:
    """Send pending letters through the pipeline again, as new messages. Shows them and asks first.

    Payload, type, headers and partition stay; the place in the order is new: behind what waits there now.
    Exit code 1 when not all of the named letters changed.
    """
    with connected(settings) as backend:
        ids = chosen(backend, OPEN, everything=everything, **filters)
        preview(settings, backend, ids, "requeued", yes=yes)
        requeue = open_dead_letters(backend).requeue
        done = change(settings, ids, "requeueing", lambda scope: len(requeue(scope)))
    return told(settings, "requeued", done, named=len(set(filters["ids"])))


@click.command(
    "cleanup",
    cls=OutboxCommand,
    epilog=examples(
        "outbox dead-letters cleanup --failed-before 30d --yes",
        "outbox dead-letters cleanup --status discarded",
    ),
)
@filtered
@click.option(
    "--status",
    type=click.Choice([status.value for status in COMPLETED]),
    help="Only these; both unless given.",
)
@limited()
@yes_option
@pass_settings
def cleanup_command(settings: Settings, /, *, yes: bool, status: str | None, **filters: Any) -> Exit:
    """Delete resolved and discarded letters, all unless told otherwise. Shows them and asks first.

    Exit code 1 when not all of the named letters were there to be deleted.
    """
    among = COMPLETED if status is None else (DeadLetterStatus(status),)
    with connected(settings) as backend:
        ids = chosen(backend, among, everything=True, **filters)
        preview(settings, backend, ids, "deleted", yes=yes)
        cleanup = open_dead_letters(backend).cleanup
        done = change(settings, ids, "deleting", cleanup)
    named = len(set(filters["ids"]))
    return told(settings, "deleted", done, named=named, otherwise=NOT_COMPLETED)


def chosen(
    backend: Backend,
    among: Sequence[DeadLetterStatus],
    *,
    everything: bool,
    limit: int | None,
    **filters: Any,
) -> Sequence[int]:
    """Return the ids of what the filters mean; a forgotten filter must not mean all."""
    wanted = make_scope(backend, limit=limit, **filters)
    if not everything and wanted == DeadLetterScope():
        raise click.UsageError("that would be every letter; give ids, a filter or --all")
    return open_dead_letters(backend).select(wanted, among)


def preview(settings: Settings, backend: Backend, ids: Sequence[int], done: str, *, yes: bool) -> None:
    """Show what will be touched, the oldest first, and ask; returns when the user agrees."""
    if not ids:
        if not settings.json:
            sys.stderr.write(f"outbox: no matching dead letters: none can be {done}\n")
        return
    sentence = f"{count(len(ids), 'letter')} will be {done}."
    if not settings.json:
        wanted = DeadLetterFilter(status=None, ids=ids[:SHOWN], limit=SHOWN)
        emit_table([cells(letter) for letter in reversed(open_dead_letters(backend).list(wanted))])
        if len(ids) > SHOWN:
            emit(f"… and {len(ids) - SHOWN} more")
        emit(sentence)
    confirm(f"{sentence} Go on?" if settings.json else "Go on?", yes=yes)


def change(settings: Settings, ids: Sequence[int], label: str, act: Callable[[DeadLetterScope], int]) -> int:
    """Change letters portion by portion, with a bar; return how many changed."""
    with progress(quiet=settings.json) as bar:
        advance = partial(bar.advance, bar.add_task(label, total=len(ids)))
        return change_in_portions(ids, act, progress=advance)
