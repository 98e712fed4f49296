"""How many messages of a queue may be delivered in a time, over all processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from outbox.values.bounds import LARGEST_INTEGER
from outbox.values.durations import seconds, whole


@dataclass(frozen=True)
class Rate:
    """At most ``count`` deliveries in ``per`` seconds (or a `timedelta`) on the average, and at once.

    A token bucket: it holds ``count`` tokens, a delivery takes one, and they come back evenly. So after a
    quiet spell ``count`` messages go at once, and in any stretch of ``per`` seconds at most twice as many.
    """

    count: int
    per: float | timedelta = 1.0

    def __post_init__(self) -> None:
        whole(self.count, option="rate count", minimum=1, maximum=LARGEST_INTEGER)
        object.__setattr__(self, "per", seconds(self.per, option="rate per", positive=True))

    @property
    def per_second(self) -> float:
        """Tokens that come back in a second."""
        assert isinstance(self.per, float)
        return self.count / self.per
