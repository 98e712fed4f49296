"""How long to wait after a failure."""

from __future__ import annotations

import math
from collections.abc import Callable

# Enough to part partitions that failed together; the pause stays near the one that was configured.
LEAST_JITTER = 0.8


def backoff(failures: int, base: float, maximum: float) -> float:
    """Return ``base * 2 ** (failures - 1)`` seconds, at most ``maximum``; 0 without a failure.

    Any number of failures is fine.
    """
    if failures < 1:
        return 0.0
    try:
        return min(math.ldexp(base, failures - 1), maximum)
    except OverflowError:
        return maximum


def jittered(delay: float, random: Callable[[], float]) -> float:
    """Return a delay shortened at random, to between four fifths of it and all of it.

    It is never lengthened, so a cap still holds. ``random`` returns numbers from 0 to 1, as
    `random.random` does.
    """
    return delay * (LEAST_JITTER + (1.0 - LEAST_JITTER) * random())
