"""What queues keep and how fast they may be, as `Outbox.status()` tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from outbox.backends.protocol import Monitoring
from outbox.statements.dialect import decode_text
from outbox.values.rate import Rate
from outbox.values.readable import count, duration


@dataclass(frozen=True)
class QueueSettings:
    """A queue that keeps what was delivered, or has a rate."""

    queue: str
    keep: float | None
    """For how many seconds it keeps what was delivered; None when it keeps nothing."""
    rate: Rate | None
    """How many deliveries it may have, as the last process that delivered declares it; None: no limit."""
    tokens: float | None
    """How many deliveries it may have at once; below 1 its messages wait."""

    @property
    def sentences(self) -> list[str]:
        """Return what there is to say of it, for people."""
        said = []
        if self.keep is not None:
            said.append(f"queue {self.queue} keeps what was delivered for {duration(self.keep)}")
        if self.rate is not None:
            assert isinstance(self.rate.per, float)
            said.append(
                f"queue {self.queue} has a rate of {count(self.rate.count, 'message')} in "
                f"{duration(self.rate.per)}: {int(self.tokens or 0)} may go now"
            )
        return said


def read_settings(backend: Monitoring) -> list[QueueSettings]:
    """Read the settings of all queues that have any, by name."""
    return [settings_of(row) for row in backend.query("queue_settings")]


def settings_of(row: Any) -> QueueSettings:
    """Return a row as settings; the bucket has filled since it was changed."""
    rate = tokens = None
    if row.rate_count is not None:
        rate = Rate(int(row.rate_count), per=int(row.rate_per_us) / 1_000_000)
        filled = float(row.rate_tokens) + max(float(row.rate_age), 0.0) * rate.per_second
        tokens = min(float(rate.count), filled)
    return QueueSettings(
        decode_text(row.queue), None if row.keep_us is None else int(row.keep_us) / 1_000_000, rate, tokens
    )
