"""How a status looks."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from outbox.cli.output import emit_json, emit_rich, plain, table
from outbox.cli.settings import Settings
from outbox.dead_letters import DeadLetterStatus
from outbox.facade.status import OutboxStatus, QueuePartitionStatus
from outbox.values.readable import count, duration, shortened

ERROR_WIDTH = 60  # beside ten other columns; the whole error is in --json


@dataclass(frozen=True)
class Shown:
    """What the user wants to see."""

    queues: frozenset[str] = frozenset()
    everything: bool = False

    def select(self, partitions: Sequence[QueuePartitionStatus]) -> list[QueuePartitionStatus]:
        """Return the partitions of the wanted queues."""
        return [row for row in partitions if not self.queues or row.queue in self.queues]


def show(settings: Settings, found: OutboxStatus, shown: Shown) -> None:
    """Print one look."""
    if settings.json:
        emit_json(as_json(found, shown))
    else:
        emit_rich(*view(found, shown))


def as_json(found: OutboxStatus, shown: Shown) -> dict[str, Any]:
    """Return the status for scripts."""
    partitions = [dataclasses.asdict(row) | {"state": row.state} for row in shown.select(found.partitions)]
    return {
        "partitions": partitions,
        "dead_letters": letters_of(found),
        "pauses": found.pauses,
        "settings": [dataclasses.asdict(one) for one in found.settings],
        **parked_of(found),
    }


def parked_of(found: OutboxStatus) -> dict[str, int]:
    """Return how much waits apart."""
    return {"parked_keys": found.parked_keys, "parked_messages": found.parked_messages}


def letters_of(found: OutboxStatus) -> dict[str, int]:
    """Return the number of dead letters of every status, 0 where there are none."""
    return {status.value: found.dead_letters.get(status.value, 0) for status in DeadLetterStatus}


def view(found: OutboxStatus, shown: Shown) -> list[RenderableType]:
    """Return what is printed."""
    rows = shown.select(found.partitions)
    nothing = "no such queue is registered" if found.partitions else "no queues are registered"
    parts: list[RenderableType] = [queues_table(rows) if rows else nothing, ""]
    if notable := [row for row in rows if shown.everything or row.state != "idle"]:
        parts += [partitions_table(notable), ""]
    letters = ", ".join(f"{number} {status}" for status, number in letters_of(found).items())
    parts.append(f"dead letters: {letters}")
    if found.parked_keys:
        keys, messages = count(found.parked_keys, "key"), count(found.parked_messages, "message")
        parts.append(f"parked: {keys} with {messages}")
    said = [sentence for settings in found.settings for sentence in settings.sentences]
    return [*parts, *(plain(str(pause)) for pause in found.pauses), *map(plain, said)]


def queues_table(rows: Sequence[QueuePartitionStatus]) -> RenderableType:
    """Return a line for each queue."""
    columns = ["queue", "#partitions", "#waiting", "#backlog", "#oldest", "#leased", "#failing"]
    groups = [(name, list(group)) for name, group in groupby(rows, attrgetter("queue"))]
    lines = [(name, *totals(group)) for name, group in groups]
    # Who uses no delays sees no word of them.
    if any(row.delayed for row in rows):
        columns.append("#delayed")
        delayed = [sum(row.delayed for row in group) for _, group in groups]
        lines = [(*line, number) for line, number in zip(lines, delayed, strict=True)]
    return table(columns, lines)


def totals(rows: Sequence[QueuePartitionStatus]) -> tuple[object, ...]:
    """Return the numbers of one queue."""
    return (
        sum(not row.retired for row in rows),
        sum(row.incoming for row in rows),
        sum(row.backlog for row in rows),
        duration(max((row.oldest_age for row in rows if row.oldest_age is not None), default=None)),
        sum(row.state == "leased" for row in rows),
        sum(row.is_failing for row in rows),
    )


def partitions_table(rows: Sequence[QueuePartitionStatus]) -> RenderableType:
    """Return a line for each partition."""
    columns = ["queue", "#partition", "state", "#processed", "#waiting", "#backlog", "#oldest"]
    columns += ["#attempts", "#free in", "held by", "last error"]
    return table(columns, [partition_line(row) for row in rows])


def partition_line(row: QueuePartitionStatus) -> tuple[object, ...]:
    """Return the cells of one partition."""
    return (
        row.queue,
        f"{row.partition} (old)" if row.retired else row.partition,
        colored(row.state),
        row.processed_seq,
        row.incoming,
        row.backlog,
        duration(row.oldest_age),
        row.attempts,
        duration(row.held_for),
        (row.lease_holder or "-") if row.held_for else "-",
        Text(plain(shortened(row.last_error, ERROR_WIDTH)), overflow="ellipsis"),
    )


def colored(state: str) -> Text:
    """Return a state in the colour of its urgency."""
    style = {
        "failing": "red",
        "backing off": "yellow",
        "paused": "yellow",
        "resizing": "yellow",
        "leased": "green",
    }.get(state, "")
    return Text(state, style=style)


def what_they_hold(found: OutboxStatus) -> str:
    """Say what would be lost with the tables."""
    queues = len({row.queue for row in found.partitions})
    messages = sum(row.incoming + row.backlog + row.delayed for row in found.partitions)
    letters = count(sum(found.dead_letters.values()), "dead letter")
    return f"{count(queues, 'queue')}, {count(messages, 'undelivered message')} and {letters}"
