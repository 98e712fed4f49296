"""Which dead letters a command is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from outbox.backends.protocol import Backend
from outbox.cli.sentences import no_such_queue
from outbox.cli.words import WholeNumber, parse_moment
from outbox.dead_letters import DeadLetterFilter, DeadLetterScope, DeadLetterStatus
from outbox.dead_letters.scope import checked_filter

C = TypeVar("C", bound=Callable[..., Any])


FILTERS = (
    click.argument("ids", nargs=-1, type=WholeNumber(min=1), metavar="[ID]..."),
    click.option("--queue", metavar="NAME", help="Of this queue."),
    click.option(
        "--partition", type=WholeNumber(min=0), metavar="INDEX", help="Of this partition of the queue."
    ),
    click.option("--type", "payload_type", metavar="TYPE", help="Of this payload type."),
    click.option("--group", metavar="TEXT", help="Of this kind of failure, as `groups` shows it."),
    click.option(
        "--failed-after",
        type=parse_moment,
        metavar="TIME",
        help="Given up at this time or later: 2026-01-31T12:00, or 2h for two hours ago.",
    ),
    click.option("--failed-before", type=parse_moment, metavar="TIME", help="Given up before this time."),
)
STATUSES = [status.value for status in DeadLetterStatus]


def filtered(command: C) -> C:
    """Give a command the filters; `make_scope` takes their values."""
    for decorate in reversed(FILTERS):
        command = decorate(command)
    return command


def limited(default: int | None = None) -> Callable[[C], C]:
    """Give a command the option ``--limit``."""
    return click.option(
        "--limit",
        type=WholeNumber(min=1),
        default=default,
        show_default=default is not None,
        help="The largest number of letters.",
    )


with_status = click.option(
    "--status",
    type=click.Choice([*STATUSES, "any"]),
    default="pending",
    show_default=True,
    help="In this status.",
)


def make_scope(
    backend: Backend, *, ids: tuple[int, ...], queue: str | None, partition: int | None, **others: Any
) -> DeadLetterScope:
    """Return the scope that the options describe; raises `click.UsageError`."""
    if queue is not None:
        check_queue(backend, queue)
    return DeadLetterScope(
        ids=ids or None,
        queue=queue,
        partition_id=None if partition is None else partition_id(backend, queue, partition),
        **others,
    )


def make_filter(backend: Backend, *, status: str = "any", **others: Any) -> DeadLetterFilter:
    """Return the filter that the options describe; raises `click.UsageError`."""
    wanted = checked_filter(make_scope(backend, **others))
    return wanted.replace(status=None if status == "any" else DeadLetterStatus(status))


def check_queue(backend: Backend, queue: str) -> None:
    """Raise `click.UsageError` for a queue that does not exist: an empty answer would look like good news."""
    known = {str(name) for _, name, _ in backend.query("all_partitions")}
    if queue not in known:
        raise click.UsageError(no_such_queue({queue}, known))


def partition_id(backend: Backend, queue: str | None, partition: int) -> int:
    """Return the id of a queue's partition."""
    if queue is None:
        raise click.UsageError("--partition counts within a queue; give --queue too")
    for id_, name, index in backend.query("all_partitions"):
        if (name, index) == (queue, partition):
            return int(id_)
    raise click.UsageError(f"queue {queue!r} has no partition {partition}")
