"""What the tables hold at a moment, for metrics and the page: bounded, however much there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from outbox.backends.protocol import Monitoring
from outbox.clock import Clock, monotonic
from outbox.dead_letters.letter import DeadLetterStatus
from outbox.queues.numbering import RESIZE
from outbox.statements.dialect import decode_text

MOST_ROWS: Final = 50_000
"""Index entries that one reading counts in all, at most; the sequencer leaves few in ordinary life."""
FEWEST_ROWS: Final = 100
"""Counted in each partition, however many partitions there are."""
MOST_LETTERS: Final = 10_000
"""Dead letters of each status that are looked at, the newest: each costs a look into its row."""
UNATTENDED_AFTER: Final = 60.0
"""Seconds that a partition with work stands still, held by no worker, before it counts as unattended."""


@dataclass(frozen=True)
class PartitionGauges:
    """One partition."""

    partition_id: int
    queue: str
    partition: int
    incoming: int
    backlog: int
    delayed: int
    parked: int
    oldest_age: float | None
    processed_seq: int
    attempts: int
    last_error: str | None
    locked_by: str | None
    locked_for: float | None
    """Seconds until the lease or backoff ends; None when it is free."""
    paused: bool
    dead_letters: Mapping[DeadLetterStatus, int] = field(default_factory=dict)

    @property
    def is_leased(self) -> bool:
        """Whether a worker holds a live lease."""
        return bool(self.locked_by and self.locked_for)

    @property
    def is_failing(self) -> bool:
        """Whether the first message has failed, be it a failure that does not count."""
        failures = self.attempts - (1 if self.is_leased else 0)
        return failures > 0 or (self.last_error is not None and self.backlog > 0)

    @property
    def holds_some(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.incoming or self.backlog or self.delayed or self.parked or self.dead_letters)

    @property
    def state(self) -> str:
        """``paused``, ``leased``, ``backing off``, ``failing``, ``waiting`` or ``idle``."""
        if self.paused:
            return "paused"
        if self.is_leased:
            return "leased"
        if self.locked_for:
            return "backing off"
        if self.is_failing:
            return "failing"
        return "waiting" if self.incoming or self.backlog else "idle"


def read_gauges(backend: Monitoring) -> list[PartitionGauges]:
    """Read the gauges of every partition, by queue and index; a handful of statements, and none writes."""
    partitions = len(backend.query("all_partitions"))
    most = max(FEWEST_ROWS, MOST_ROWS // max(partitions, 1))
    letters = dict(_letters(backend))
    found: dict[tuple[str, int], PartitionGauges] = {}
    for row in backend.query("partition_gauges", most=most):
        gauges = _gauges(row, letters)
        place = gauges.queue, gauges.partition
        # What a resize has retired comes behind the partitions of today.
        if place in found:
            found[place] = _together(found[place], gauges)
        elif not row.retired or gauges.holds_some:
            found[place] = gauges
    return list(found.values())


def _together(now: PartitionGauges, retired: PartitionGauges) -> PartitionGauges:
    """Return the gauges of a partition with what is left in the one whose place it has taken."""
    ages = [age for age in (now.oldest_age, retired.oldest_age) if age is not None]
    statuses = {*now.dead_letters, *retired.dead_letters}
    return replace(
        now if now.locked_by != RESIZE else replace(retired, partition_id=now.partition_id),
        incoming=now.incoming + retired.incoming,
        backlog=now.backlog + retired.backlog,
        delayed=now.delayed + retired.delayed,
        parked=now.parked + retired.parked,
        oldest_age=max(ages, default=None),
        dead_letters={s: now.dead_letters.get(s, 0) + retired.dead_letters.get(s, 0) for s in statuses},
    )


def _letters(backend: Monitoring) -> Iterator[tuple[tuple[int, DeadLetterStatus], int]]:
    for status in DeadLetterStatus:
        for row in backend.query("dead_letter_gauges", status=status.value, most=MOST_LETTERS):
            yield (int(row.partition_id), status), int(row.n)


def _gauges(row: Any, letters: Mapping[tuple[int, DeadLetterStatus], int]) -> PartitionGauges:
    return PartitionGauges(
        int(row.partition_id),
        decode_text(row.queue),
        int(row.partition),
        incoming=int(row.incoming),
        backlog=int(row.backlog),
        delayed=int(row.not_due),
        parked=int(row.parked),
        oldest_age=_oldest(row),
        processed_seq=int(row.processed_seq),
        attempts=int(row.attempts),
        last_error=decode_text(row.last_error),
        locked_by=decode_text(row.locked_by),
        locked_for=None if row.locked_for is None else float(row.locked_for),
        paused=bool(row.paused),
        dead_letters={
            status: letters[row.partition_id, status]
            for status in DeadLetterStatus
            if (row.partition_id, status) in letters
        },
    )


def _oldest(row: Any) -> float | None:
    """Return the greater age of two, where the statement could not: MySQL would take null for the oldest."""
    names = ("oldest_age",) if hasattr(row, "oldest_age") else ("waiting_age", "behind_age")
    return max((float(age) for name in names if (age := getattr(row, name)) is not None), default=None)


class Attendance:
    """Remembers which partitions stand still: only a second look tells no worker from a slow one.

    A transactional handler holds a row lock that no reading sees, and moves the cursor in the end.
    """

    def __init__(self, *, after: float = UNATTENDED_AFTER, clock: Clock = monotonic) -> None:
        self._after = after
        self._clock = clock
        self._still: dict[int, tuple[int, float]] = {}

    def unattended(self, partitions: Iterable[PartitionGauges]) -> set[int]:
        """Return the ids of those with work that no worker has taken for long, by earlier readings too."""
        now, before, self._still = self._clock(), self._still, {}
        for one in partitions:
            if one.oldest_age is None or one.locked_for is not None or one.is_failing or one.paused:
                continue
            cursor, since = before.get(one.partition_id, (one.processed_seq, now))
            self._still[one.partition_id] = (
                one.processed_seq,
                since if cursor == one.processed_seq else now,
            )
        return {key for key, (_, since) in self._still.items() if now - since >= self._after}
