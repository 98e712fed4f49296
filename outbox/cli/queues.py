"""``outbox queues`` and ``outbox hold``: what is delivered, while workers run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from functools import partial

import click

from outbox.backends.protocol import Backend
from outbox.cli.commands import OutboxCommand, OutboxGroup, examples, pass_settings
from outbox.cli.confirm import confirm, yes_option
from outbox.cli.dead_letters.filters import check_queue
from outbox.cli.output import emit, emit_json
from outbox.cli.progress import progress
from outbox.cli.settings import Settings
from outbox.cli.target import connected
from outbox.cli.words import parse_duration
from outbox.facade.kept import Kept, keep
from outbox.facade.status import read_status
from outbox.installation import Installation
from outbox.queues.administration import SKIPPED, Administration
from outbox.queues.reshaping import Reshaping
from outbox.queues.resizing import Resizing
from outbox.values.codec import JSON
from outbox.values.readable import count, duration

partition_option = click.option("--partition", type=int, metavar="N", help="Only this partition, from 0.")
reason_option = click.option("--reason", metavar="TEXT", help="What status shows, for the others.")


@click.group(
    cls=OutboxGroup,
    epilog=examples("outbox queues pause orders --reason 'bank is down'", "outbox queues resume orders"),
)
def queues() -> None:
    """Change queues while workers run: all processes obey within a second or so."""


@queues.command(
    "pause",
    epilog=examples(
        "outbox queues pause orders --reason 'bank is down'",
        "outbox queues pause orders --partition 3 --for 30m",
    ),
)
@click.argument("queue")
@partition_option
@reason_option
@click.option("--for", "seconds", type=parse_duration, metavar="TIME", help="It ends by itself after that.")
@pass_settings
def pause_command(
    settings: Settings, queue: str, partition: int | None, reason: str | None, seconds: float | None
) -> None:
    """Deliver nothing of a queue. Messages are still taken in; what a worker has begun it finishes."""
    until = None if seconds is None else datetime.now(timezone.utc) + timedelta(seconds=seconds)
    with connected(settings) as backend:
        Administration(backend).pause(queue, partition, reason=reason, until=until)
    told(settings, f"queue {queue} is paused", paused=queue, partition=partition)


@queues.command("resume", epilog=examples("outbox queues resume orders"))
@click.argument("queue")
@partition_option
@pass_settings
def resume_command(settings: Settings, queue: str, partition: int | None) -> None:
    """Deliver again: the queue with all of its partitions, or one that was paused by itself."""
    with connected(settings) as backend:
        ended = Administration(backend).resume(queue, partition)
    told(settings, f"{count(ended, 'pause')} of queue {queue} ended", resumed=queue, ended=ended)


@queues.command("skip", epilog=examples("outbox queues skip 17 4711 --reason 'unknown currency'"))
@click.argument("partition_id", type=int)
@click.argument("seq", type=int)
@reason_option
@pass_settings
def skip_command(settings: Settings, partition_id: int, seq: int, reason: str | None) -> None:
    """Send the message that a partition would deliver next to the dead letters.

    `outbox status` shows the partition and its last processed number; the next message has the one after it.
    """
    with connected(settings) as backend:
        message_id = Administration(backend).skip(partition_id, seq, reason=reason or SKIPPED)
    told(settings, f"message {message_id} is a dead letter now", skipped=message_id)


@queues.command("rename", epilog=examples("outbox queues rename orders purchases"))
@click.argument("queue")
@click.argument("new")
@pass_settings
def rename_command(settings: Settings, queue: str, new: str) -> None:
    """Give a queue another name. Processes that have the old one work on, and may be started with it."""
    with connected(settings) as backend:
        Reshaping(backend).rename(queue, new)
    told(settings, f"queue {queue} is called {new} now", renamed=queue, new=new)


@queues.command("resize", epilog=examples("outbox queues resize orders 16"))
@click.argument("queue")
@click.argument("partitions", type=int)
@pass_settings
def resize_command(settings: Settings, queue: str, partitions: int) -> None:
    """Give a queue another number of partitions: a power of two up to 64. No process is stopped or told.

    Each new partition is served when the old ones that may have its keys have delivered what they hold.
    """
    with connected(settings) as backend:
        waits = Resizing(backend).resize(queue, partitions)
    then = "; they are served when what the old ones hold is delivered" if waits else ""
    told(
        settings,
        f"queue {queue} has {count(partitions, 'partition')} now{then}",
        resized=queue,
        partitions=partitions,
        waits=waits,
    )


@queues.command("keep", epilog=examples("outbox queues keep orders 7d", "outbox queues keep orders 0"))
@click.argument("queue")
@click.argument("seconds", metavar="TIME", type=parse_duration)
@pass_settings
def keep_command(settings: Settings, queue: str, seconds: float) -> None:
    """Let what a queue has delivered stay for a time, to be read and delivered again; 0 ends it.

    A program that declares another time sets that when it starts.
    """
    with connected(settings) as backend:
        check_queue(backend, queue)
        keep(backend)(queue, round(seconds * 1_000_000) or None)
    said = f"keeps what was delivered for {duration(seconds)}" if seconds else "keeps nothing any more"
    told(settings, f"queue {queue} {said}", queue=queue, keep=seconds or None)


@queues.command(
    "redeliver",
    epilog=examples(
        "outbox queues redeliver orders 3 4711", "outbox queues redeliver orders 3 4711 --to 4720"
    ),
)
@click.argument("queue")
@click.argument("partition", type=int)
@click.argument("from_seq", type=click.IntRange(min=1))
@click.option("--to", "to_seq", type=click.IntRange(min=1), metavar="SEQ", help="The last; all unless given.")
@pass_settings
def redeliver_command(
    settings: Settings, queue: str, partition: int, from_seq: int, to_seq: int | None
) -> None:
    """Deliver what a partition has delivered and keeps once more, in order, as new messages."""
    with connected(settings) as backend:
        kept = Kept(backend, Installation(backend), JSON)
        _, again = kept.redeliver(queue, partition, from_seq, to_seq)
    told(
        settings,
        f"{count(again, 'message')} of queue {queue} delivered again",
        queue=queue,
        redelivered=again,
    )


@queues.command("drop", epilog=examples("outbox queues drop orders --yes"))
@click.argument("queue")
@yes_option
@pass_settings
def drop_command(settings: Settings, queue: str, *, yes: bool) -> None:
    """Purge a queue and free its name. Shows what waits in it, and asks first. Dead letters stay."""
    with connected(settings) as backend:
        waiting = ask(settings, backend, queue, "dropped with", yes=yes)
        with deleting(settings, waiting) as tell:
            purged = Reshaping(backend).drop(queue, progress=tell)
    told(
        settings,
        f"queue {queue} is dropped, {count(purged, 'message')} with it",
        dropped=queue,
        purged=purged,
    )


@click.command(
    "purge", cls=OutboxCommand, epilog=examples("outbox purge orders", "outbox purge orders --yes")
)
@click.argument("queue")
@yes_option
@pass_settings
def purge(settings: Settings, queue: str, *, yes: bool) -> None:
    """Delete what waits in a queue, parked and delayed messages too, while workers run. Asks first."""
    with connected(settings) as backend:
        waiting = ask(settings, backend, queue, "purged of", yes=yes)
        with deleting(settings, waiting) as tell:
            purged = Reshaping(backend).purge(queue, progress=tell)
    told(settings, f"{count(purged, 'message')} of queue {queue} purged", purged=purged)


@contextmanager
def deleting(settings: Settings, waiting: int) -> Iterator[Callable[[int], object]]:
    """Yield what is told how many messages are deleted, and shows it."""
    with progress(quiet=settings.json) as bar:
        yield partial(bar.advance, bar.add_task("deleting", total=waiting))


def ask(settings: Settings, backend: Backend, queue: str, done: str, *, yes: bool) -> int:
    """Show what waits in a queue, and ask; return how many messages that are."""
    rows = [row for row in read_status(backend).partitions if row.queue == queue]
    waiting = sum(row.incoming + row.backlog + row.delayed for row in rows)
    sentence = f"Queue {queue} will be {done} {count(waiting, 'message')}."
    if not settings.json:
        emit(sentence)
    confirm(f"{sentence} Go on?" if settings.json else "Go on?", yes=yes)
    return waiting


@click.command(
    "hold",
    cls=OutboxCommand,
    epilog=examples("outbox hold --reason 'restored on staging'", "outbox hold --end"),
)
@reason_option
@click.option("--end", is_flag=True, help="End the hold; pauses stay.")
@pass_settings
def hold(settings: Settings, reason: str | None, *, end: bool) -> None:
    """Deliver nothing at all, of queues that are registered later neither.

    For a copy of production that must not send anything: hold it before the workers start.
    """
    with connected(settings) as backend:
        administration = Administration(backend)
        if end:
            found = administration.end_hold()
            told(settings, "the hold has ended" if found else "there was no hold", ended=found)
        else:
            administration.hold(reason=reason)
            told(settings, "all queues are held", held=True)


def told(settings: Settings, sentence: str, **facts: object) -> None:
    """Say what was done: a sentence, or the facts for a script."""
    if settings.json:
        emit_json(facts)
    else:
        emit(sentence)
