"""``replay``: claim letters for somebody, or hand them to a handler."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from inspect import signature
from typing import Any

import click

from outbox.cli.commands import OutboxCommand, examples, pass_settings
from outbox.cli.confirm import yes_option
from outbox.cli.dead_letters.changing import all_option, chosen, preview
from outbox.cli.dead_letters.filters import filtered, limited
from outbox.cli.dead_letters.outcome import NOT_OPEN, how_many
from outbox.cli.dead_letters.selection import portions
from outbox.cli.dead_letters.view import as_json, cells, emit_table
from outbox.cli.exits import Exit
from outbox.cli.loading import load_callable
from outbox.cli.output import emit, emit_json
from outbox.cli.settings import Settings
from outbox.cli.target import connected
from outbox.cli.words import parse_duration
from outbox.clock import Deadline
from outbox.dead_letters import DeadLetter, DeadLetters, DeadLetterScope
from outbox.dead_letters.search import OPEN
from outbox.facade.assembly import open_dead_letters
from outbox.handlers.call import call_handler
from outbox.handlers.outcome import Done
from outbox.values.message import OutboxMessage
from outbox.values.readable import count, duration

AT_ONCE = 20
"""So many letters are claimed together for a handler: few enough to be done within the claim."""
UNHANDLED = 100


@click.command(
    "replay",
    cls=OutboxCommand,
    epilog=examples(
        "outbox dead-letters replay --queue orders --handler shop.handlers:ship",
        "outbox dead-letters replay 4711 4712 --handler shop.handlers:ship --yes",
        "outbox dead-letters replay --queue orders --limit 10 --timeout 15m --json",
    ),
)
@filtered
@limited()
@all_option
@click.option(
    "--handler", metavar="MODULE:FUNCTION", help="A handler of single messages, called as a worker calls it."
)
@click.option(
    "--timeout",
    type=parse_duration,
    metavar="TIME",
    default="60",
    show_default=True,
    help="How long letters are claimed for.",
)
@yes_option
@pass_settings
def replay_command(
    settings: Settings,
    /,
    *,
    handler: str | None,
    timeout: float,
    yes: bool,
    everything: bool,
    limit: int | None,
    **filters: Any,
) -> Exit:
    """Claim pending letters and hand them to a handler, oldest first. Shows them and asks first.

    The handler gets an OutboxMessage and answers as in a worker: what it finishes is resolved, what it
    rejects or fails at goes back to the pending ones with the reason. It is called once for each letter.
    When the command dies, what it had claimed can be claimed again after --timeout.

    A handler that takes a connection or a batch cannot be run like that: requeue its letters instead.

    Without --handler the letters (100 unless --limit says otherwise) are claimed and printed with their
    claim, for `resolve` and `reject`.

    Exit code 1 when a handler failed, or when not all of the named letters could be claimed.
    """
    function = load_handler(handler) if handler else None
    named = how_many(filters["ids"], limit)
    with connected(settings) as backend:
        letters = open_dead_letters(backend)
        if function is None:
            ids = chosen(backend, OPEN, everything=True, limit=limit or max(UNHANDLED, named), **filters)
            claimed = letters.replay(DeadLetterScope(ids=ids, limit=len(ids)), timeout) if ids else []
            show_claimed(settings, claimed, timeout)
            return left_out(named - len(claimed))
        ids = chosen(backend, OPEN, everything=everything, limit=limit, **filters)
        preview(settings, backend, ids, f"handed to {handler}", yes=yes)
        done = replay(settings, letters, ids, function, timeout)
        done["skipped"] += max(named - len(ids), 0)
    return told(settings, done, all_wanted=named > 0)


def load_handler(name: str) -> Callable[..., Any]:
    """Return a handler; raises `click.UsageError` for one that cannot be called with a message alone.

    To call it all the same would put that mistake in the place of each letter's error.
    """
    handler = load_callable(name)
    with suppress(ValueError):  # some of what is written in C does not say what it takes
        shape = signature(handler)
        try:
            shape.bind(None)
        except TypeError:
            raise click.UsageError(
                f"{name}{shape} cannot be called with a message alone; for a handler that takes a connection "
                "or a batch, requeue the letters"
            ) from None
    return handler


class AboveTheBar(logging.Handler):
    """Logs to what standard error is at the time: while a bar is shown, it puts lines above that."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        sys.stderr.write(f"{self.format(record)}\n")


def show_claimed(settings: Settings, claimed: Sequence[DeadLetter], timeout: float) -> None:
    """Print letters and the one claim that they share."""
    if settings.json:
        emit_json([as_json(letter, payload=True) for letter in claimed])
    elif claimed:
        emit_table([cells(letter) for letter in claimed])
        emit(
            f"{count(len(claimed), 'letter')} claimed for {duration(timeout)} with --claim {claimed[0].claim}"
        )
    else:
        emit("no dead letters to claim")


def left_out(number: int) -> Exit:
    """Say that so many of the letters that were named could not be claimed."""
    if number <= 0:
        return Exit.OK
    sys.stderr.write(f"outbox: {count(number, 'letter')} left out ({NOT_OPEN})\n")
    return Exit.FAILED


def replay(
    settings: Settings, letters: DeadLetters, ids: Sequence[int], handler: Callable[..., Any], timeout: float
) -> Counter[str]:
    """Call the handler for each letter; return how many were resolved, rejected, and lost to others."""
    # The tracebacks of the handler, which is what the user came for.
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", handlers=[AboveTheBar()], force=True)
    done: Counter[str] = Counter()
    for portion in portions(ids, "replaying", quiet=settings.json, size=AT_ONCE):
        for letter, message in claims(letters, portion, timeout):
            done[handle(letters, letter, message, handler)] += 1
    done["skipped"] = len(ids) - done.total()
    return done


def claims(
    letters: DeadLetters, portion: Sequence[int], timeout: float
) -> Iterator[tuple[DeadLetter, OutboxMessage]]:
    """Yield claimed letters whose claim still holds; when it has run out, claim those that are left again."""
    left = list(portion)
    while left:
        deadline = Deadline.after(timeout)
        claimed = letters.replay(DeadLetterScope(ids=left, limit=len(left)), timeout)
        left = []
        for position, letter in enumerate(claimed):
            if position and deadline.remaining() <= 0:
                left = [late.id for late in claimed[position:]]
                break
            yield letter, message_of(letter, deadline)


def handle(
    letters: DeadLetters, letter: DeadLetter, message: OutboxMessage, handler: Callable[..., Any]
) -> str:
    """Call the handler and settle the letter at once; return what became of it."""
    answer = call_handler(handler, message, first=message)
    if isinstance(answer, Done):
        return "resolved" if letters.resolve([letter]) else "lost"
    return "rejected" if letters.reject([letter], answer.reason) else "lost"


def message_of(letter: DeadLetter, deadline: Deadline) -> OutboxMessage:
    """Return the message as its handler knew it."""
    return OutboxMessage(
        letter.message_id,
        letter.queue,
        letter.partition,
        letter.partition_id,
        letter.seq,
        letter.payload,
        letter.payload_type,
        letter.headers,
        letter.created_at,
        letter.attempts,
        deadline,
    )


def told(settings: Settings, done: Counter[str], *, all_wanted: bool) -> Exit:
    """Print what became of the letters; ``all_wanted``: they were named, so to skip one is a failure too."""
    if settings.json:
        emit_json({name: done[name] for name in ("resolved", "rejected", "lost", "skipped")})
    else:
        words = {
            "resolved": "resolved",
            "rejected": "rejected and pending again",
            "lost": "claimed by another before the handler was done",
            "skipped": NOT_OPEN,
        }
        said = [f"{done[name]} {text}" for name, text in words.items() if done[name] or name == "resolved"]
        emit(", ".join(said))
    failed = done["rejected"] or done["lost"] or (all_wanted and done["skipped"])
    return Exit.FAILED if failed else Exit.OK
