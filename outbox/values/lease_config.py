"""How long a partition is held while a leased handler runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from outbox.errors import ConfigurationError
from outbox.values.bounds import LARGEST_INTEGER, SHORTEST_LEASE
from outbox.values.durations import seconds, whole

# How long a message waits after its process was killed; few handlers take as long.
DEFAULT_DURATION = 30.0
# The ack may have to wait for a lock, or be sent again on a new connection.
DEFAULT_HEADROOM = 2.0
# A short lease is mostly a test's, whose ack takes milliseconds.
DEFAULT_HEADROOM_SHARE = 0.2


@dataclass(frozen=True, init=False)
class LeaseConfig:
    """A lease of ``duration`` seconds whose last ``headroom`` seconds are kept for the ack.

    No further message is started after the cancel point, ``duration - headroom`` from the lease's
    start. ``renewals`` is how many times the lease is extended while a handler is still running.
    """

    duration: float
    headroom: float
    renewals: int

    def __init__(
        self,
        duration: float | timedelta = DEFAULT_DURATION,
        headroom: float | timedelta | None = None,
        renewals: int = 0,
    ) -> None:
        """Check and store the three numbers; durations are seconds or `timedelta`.

        ``headroom`` is 2 seconds unless given, and a fifth of ``duration`` where that is less, so
        that a short lease works too. Raises `ConfigurationError` unless headroom < duration.
        """
        lease = seconds(duration, option="duration", minimum=SHORTEST_LEASE)
        if headroom is None:
            reserve = min(DEFAULT_HEADROOM, lease * DEFAULT_HEADROOM_SHARE)
        else:
            reserve = seconds(headroom, option="headroom")
        if reserve >= lease:
            raise ConfigurationError(
                "headroom", headroom, f"it must be less than the duration of {lease:g} seconds"
            )
        object.__setattr__(self, "duration", lease)
        object.__setattr__(self, "headroom", reserve)
        object.__setattr__(self, "renewals", whole(renewals, option="renewals", maximum=LARGEST_INTEGER))

    @property
    def handler_budget(self) -> float:
        """Seconds from the start of the lease to its cancel point."""
        return self.duration - self.headroom
