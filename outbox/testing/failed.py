"""What failed in a drain, message by message."""

from __future__ import annotations

from dataclasses import dataclass

from outbox.errors import OutboxError
from outbox.events import DeadLettered, Event, HandlerFailed, Retried

# A text with a hundred messages is read by no one.
MOST_NAMED = 20


@dataclass(frozen=True)
class DeliveryFailure:
    """One delivery that failed: a Retry, a Reject, an exception, or what is no result."""

    queue: str
    partition: int
    message_id: int
    key: str | None
    reason: str
    dead_lettered: bool
    error: BaseException | None
    """What the handler raised; None for a result."""

    def __str__(self) -> str:
        key = "" if self.key is None else f" (key {self.key!r})"
        end = " [dead letter]" if self.dead_lettered else ""
        return f"{self.queue} message {self.message_id}{key}: {self.reason}{end}"


@dataclass(frozen=True)
class DrainCounts:
    """What one `drain` did."""

    sequenced: int
    processed: int
    """Messages finished, dead-lettered ones included."""
    retried: int
    """Batches that ended in a Retry."""
    dead_lettered: int
    vacuumed: int
    left: int
    """Messages still in the tables: behind a Retry, or held by another worker."""
    delayed: int = 0
    """Messages that are not due yet."""
    failures: tuple[DeliveryFailure, ...] = ()
    """Every delivery that failed, in order: queue, message id, key, reason and the exception."""


class HandlersFailed(OutboxError):
    """Several messages failed in a drain with ``errors="raise"``; the first one's exception is the cause.

    ``counts`` is what `drain` would have returned, with every failure in ``counts.failures``.
    """

    def __init__(self, counts: DrainCounts) -> None:
        super().__init__(counts)
        self.counts = counts

    def _sentence(self) -> str:
        named = [str(failure) for failure in self.counts.failures[:MOST_NAMED]]
        more = len(self.counts.failures) - len(named)
        lines = [
            f"{len(self.counts.failures)} deliveries failed:",
            *named,
            *([f"and {more} more"] if more else []),
        ]
        return "\n  ".join(lines)


class Failures:
    """Observes a pipeline and keeps what failed."""

    def __init__(self) -> None:
        self.found: list[DeliveryFailure] = []
        self._raised: dict[int, BaseException] = {}

    def __call__(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, HandlerFailed):
            self._raised[event.message_id] = event.error
        elif isinstance(event, (Retried, DeadLettered)):
            self.found.append(
                DeliveryFailure(
                    event.queue,
                    event.partition,
                    event.message_id,
                    event.key,
                    event.reason,
                    isinstance(event, DeadLettered),
                    self._raised.pop(event.message_id, None),
                )
            )

    @property
    def raised(self) -> list[BaseException]:
        """The exceptions of handlers, in the order in which they were raised."""
        return [failure.error for failure in self.found if failure.error is not None]
