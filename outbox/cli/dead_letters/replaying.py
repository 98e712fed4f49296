"""``replay``: claim letters for another command, or hand them to a handler."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import click

from outbox.cli.commands import OutboxCommand, examples, pass_settings
from outbox.cli.confirm import yes_option
from outbox.cli.dead_letters.changing import all_option, chosen, preview
from outbox.cli.dead_letters.filters import filtered, limited
from outbox.cli.dead_letters.outcome import NOT_OPEN
from outbox.cli.dead_letters.view import as_json, cells, emit_table
from outbox.cli.exits import Exit
from outbox.cli.loading import load_callable
from outbox.cli.output import emit, emit_json, our_own_output, plain
from outbox.cli.progress import progress
from outbox.cli.settings import Settings
from outbox.cli.target import connected
from outbox.cli.words import parse_duration
from outbox.dead_letters import DeadLetter, DeadLetterFilter, DeadLetters, DeadLetterScope
from outbox.dead_letters.operations import PAGE
from outbox.dead_letters.replaying import ReplayCounts, adapter_of, replay_with
from outbox.dead_letters.search import OPEN
from outbox.errors import ConfigurationError
from outbox.facade.assembly import open_dead_letters
from outbox.values.readable import count, duration

# Without a handler and a limit: as many as a person can settle.
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
@click.option("--handler", metavar="MODULE:FUNCTION", help="A leased handler, called as a worker calls it.")
@click.option(
    "--timeout",
    type=parse_duration,
    metavar="TIME",
    default="60s",
    show_default=True,
    help="How long letters are claimed for.",
)
@click.option(
    "--stop-at-new", is_flag=True, help="End at the first failure of a kind that no letter had before."
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
    stop_at_new: bool,
    limit: int | None,
    **filters: Any,
) -> Exit:
    """Claim pending letters and hand them to a handler, oldest first. Shows them and asks first.

    The handler gets an OutboxMessage and answers as in a worker: what it finishes is resolved, what it
    rejects or fails at goes back to the pending ones with the reason. It is called once for each letter.
    When the command dies, what it had claimed can be claimed again after --timeout.

    A batch handler (its parameter is a Batch, or called batch) gets batches of one letter. An asynchronous
    one is refused, and so is one that takes a connection: requeue its letters instead.

    Without --handler the letters (100 unless --limit says otherwise) are claimed and printed with their
    claim, for `resolve` and `reject`.

    Exit code 1 when a handler failed, or when not all of the named letters could be claimed.
    """
    with our_own_output(settings):  # its module may print
        function = load_handler(handler) if handler else None
    named = len(set(filters["ids"]))
    with connected(settings) as backend:
        letters = open_dead_letters(backend)
        if function is None:
            ids = chosen(backend, OPEN, everything=True, limit=limit or max(UNHANDLED, named), **filters)
            claimed = letters.replay(DeadLetterScope(ids=ids, limit=len(ids)), timeout) if ids else []
            show_claimed(settings, claimed, timeout)
            return left_out(named - len(claimed))
        ids = chosen(backend, OPEN, everything=everything, limit=limit, **filters)
        preview(settings, backend, ids, f"handed to {handler}", yes=yes)
        known = known_groups(letters, ids) if stop_at_new else None
        done = replay(settings, letters, ids, function, timeout=timeout, known=known)
        done.skipped += max(named - len(ids), 0)
    return told(settings, done, all_wanted=named > 0)


def load_handler(name: str) -> Callable[..., Any]:
    """Return a handler; raises `click.UsageError` for one that cannot work, before a letter is claimed."""
    handler = load_callable(name)
    try:
        adapter_of(handler)
    except ConfigurationError as error:
        raise click.UsageError(
            f"{name} cannot be called with a message: {error.problem}; "
            "for a handler that takes a connection, requeue the letters"
        ) from None
    return handler


def known_groups(letters: DeadLetters, ids: Sequence[int]) -> set[str]:
    """Return of what the letters failed."""
    starts = range(0, len(ids), PAGE)
    pages = (letters.list(DeadLetterFilter(status=None, ids=ids[n : n + PAGE], limit=PAGE)) for n in starts)
    return {letter.group for page in pages for letter in page}


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
    """Say how many of the named letters could not be claimed."""
    if number <= 0:
        return Exit.OK
    sys.stderr.write(f"outbox: {count(number, 'letter')} left out ({NOT_OPEN})\n")
    return Exit.FAILED


def replay(
    settings: Settings,
    letters: DeadLetters,
    ids: Sequence[int],
    handler: Callable[..., Any],
    *,
    timeout: float,
    known: set[str] | None,
) -> ReplayCounts:
    """Call the handler for each letter; return what became of them."""
    # The tracebacks of the handler, which is what the user came for.
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", handlers=[AboveTheBar()], force=True)
    with our_own_output(settings), progress(quiet=settings.json) as bar:
        advance = partial(bar.advance, bar.add_task("replaying", total=len(ids)))
        return replay_with(letters, ids, handler, timeout, known=known, progress=advance)


def told(settings: Settings, done: ReplayCounts, *, all_wanted: bool) -> Exit:
    """Print what became of the letters; ``all_wanted``: they were named, so to skip one is a failure too."""
    counts = asdict(done)
    if done.stopped_at is None:
        del counts["stopped_at"]
    if settings.json:
        emit_json(counts)
    else:
        words = {
            "resolved": "resolved",
            "rejected": "rejected and pending again",
            "lost": "claimed by another before the handler was done",
            "skipped": NOT_OPEN,
        }
        shown = [name for name in words if counts[name] or name == "resolved"]
        emit(", ".join(f"{counts[name]} {words[name]}" for name in shown))
        if done.stopped_at is not None:
            emit(f"stopped at a new kind of failure: {plain(done.stopped_at)}")
    failed = done.rejected or done.lost or (all_wanted and done.skipped)
    return Exit.FAILED if failed else Exit.OK
