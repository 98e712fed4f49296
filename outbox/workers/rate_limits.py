"""Take deliveries out of a queue's bucket before a turn, and put back what the turn did not need."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from outbox.access import Access
from outbox.backends.protocol import Sources
from outbox.connections.connection import ProducerConnection
from outbox.statements import Catalog
from outbox.values.rate import Rate


@dataclass
class Allowance:
    """How many messages a turn may hand over, and how many it has taken."""

    granted: int
    retry_in: float = 0.0
    """Seconds until the bucket has a token again, when none was granted."""
    used: int = 0

    def share(self, partitions: int) -> int:
        """Return how many messages each of the partitions may take."""
        return max(1, self.granted // partitions)


class Buckets:
    """The statements of ``rate.sql`` on one connection, in one transaction."""

    def __init__(self, connection: ProducerConnection, catalog: Catalog) -> None:
        self._connection = connection
        self._catalog = catalog

    def change(self, queue: str, rate: Rate, taken: Callable[[float], float]) -> float:
        """Lock a bucket, take what ``taken`` says of its tokens, and return what it held."""
        facts = {"queue": queue, "most": float(rate.count), "per_second": rate.per_second}
        rows = self._connection.execute(self._catalog["bucket"], facts)
        if not rows:
            self._connection.execute(self._catalog["make_bucket"], {"queue": queue})
            rows = self._connection.execute(self._catalog["bucket"], facts)
        tokens, at_us = float(rows[0][0]), int(rows[0][1])
        left = min(tokens - taken(tokens), float(rate.count))
        if left != tokens:
            shown = {"rate_count": rate.count, "rate_per_us": round(rate.count / rate.per_second * 1_000_000)}
            filled = {"queue": queue, "tokens": left, "at_us": at_us, **shown}
            self._connection.execute(self._catalog["fill_bucket"], filled)
        return tokens


class RateLimits:
    """The buckets of all queues; serves all processor threads. Sends nothing for a queue without a rate."""

    def __init__(self, backend: Sources) -> None:
        self._access = Access(backend, Buckets)

    def take(self, queue: str, rate: Rate, wanted: int) -> Allowance:
        """Take up to ``wanted`` deliveries; they are charged until they are given back."""

        def taken(tokens: float) -> float:
            return min(math.floor(tokens), wanted)

        tokens = self._access.write(None, lambda buckets: buckets.change(queue, rate, taken))
        granted = min(math.floor(tokens), wanted)
        return Allowance(granted, 0.0 if granted else (1.0 - tokens) / rate.per_second)

    def give_back(self, queue: str, rate: Rate, allowance: Allowance) -> None:
        """Put back what was granted and not used."""
        unused = allowance.granted - allowance.used
        if unused > 0:
            self._access.write(None, lambda buckets: buckets.change(queue, rate, lambda _: -unused))
