"""``resolve`` and ``reject``: say what became of letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import click

from outbox.backends.protocol import Backend
from outbox.cli.commands import OutboxCommand, examples, pass_settings
from outbox.cli.dead_letters.outcome import told
from outbox.cli.exits import Exit
from outbox.cli.settings import Settings
from outbox.cli.target import connected
from outbox.cli.words import WholeNumber
from outbox.dead_letters import DeadLetter, DeadLetterFilter, DeadLetters, DeadLetterScope, DeadLetterStatus
from outbox.facade.assembly import open_dead_letters

# Seconds that the command claims a letter for, to change it at once; what dies in between blocks no longer.
BRIEFLY = 30.0

ids_argument = click.argument("ids", nargs=-1, required=True, type=WholeNumber(min=1), metavar="ID...")
claim_option = click.option("--claim", metavar="TOKEN", help="The claim that `replay` returned for them.")


@click.command(
    "resolve",
    cls=OutboxCommand,
    epilog=examples(
        "outbox dead-letters resolve 4711", "outbox dead-letters resolve 4711 4712 --claim 5f0c…"
    ),
)
@ids_argument
@claim_option
@pass_settings
def resolve_command(settings: Settings, ids: tuple[int, ...], claim: str | None) -> Exit:
    """Mark letters as dealt with.

    With --claim, those that were claimed by `replay` and by no other claim since. Without, pending ones, for
    what was put right by hand. Exit code 1 when not all of them changed.
    """
    with connected(settings) as backend:
        done = settle(backend, ids, claim, DeadLetters.resolve)
    return told(settings, "resolved", done, named=len(set(ids)))


@click.command(
    "reject",
    cls=OutboxCommand,
    epilog=examples(
        'outbox dead-letters reject 4711 --claim 5f0c… --reason "the warehouse knows no such item"'
    ),
)
@ids_argument
@claim_option
@click.option("--reason", required=True, metavar="TEXT", help="What is kept as the letter's error.")
@pass_settings
def reject_command(settings: Settings, ids: tuple[int, ...], claim: str | None, reason: str) -> Exit:
    """Give claimed letters back as pending, with one attempt more.

    Without --claim, pending ones get the reason and the attempt. Exit code 1 when not all of them changed.
    """
    with connected(settings) as backend:
        done = settle(backend, ids, claim, partial(DeadLetters.reject, reason=reason))
    return told(settings, "rejected", done, named=len(set(ids)))


def settle(
    backend: Backend,
    ids: Sequence[int],
    claim: str | None,
    act: Callable[[DeadLetters, list[DeadLetter]], int],
) -> int:
    """Act on letters under the given claim, or under one made for the purpose; return how many changed."""
    letters = open_dead_letters(backend)
    if claim is None:
        return act(letters, letters.replay(DeadLetterScope(ids=ids, limit=len(ids)), BRIEFLY))
    wanted = DeadLetterFilter(status=DeadLetterStatus.REPROCESSING, ids=ids, limit=len(ids))
    return act(letters, [replace(letter, claim=claim) for letter in letters.list(wanted)])
