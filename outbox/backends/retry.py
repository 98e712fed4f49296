"""Repeat a whole transaction that lost a race for a lock."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random,
    wait_random_exponential,
)
from tenacity.stop import stop_base

from outbox.backends.waiting import Waiting
from outbox.clock import monotonic
from outbox.errors import Contention

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 8
"""With the waits below, about a second in all."""
TOTAL_SECONDS = 15.0
"""No further attempt starts after this long: a lock wait may have cost seconds each time."""

UNHURRIED = Waiting()


def waiting_of(args: Sequence[object]) -> Waiting:
    """Return the `Waiting` of what a function works on, its first argument, if that has one."""
    return getattr(args[0], "waiting", UNHURRIED) if args else UNHURRIED


class StopWhenOver(stop_base):
    """Stop repeating once the workers are to stop and it has taken long enough."""

    def __call__(self, retry_state: RetryCallState) -> bool:
        """Tell tenacity whether to give up."""
        return waiting_of(retry_state.args).over(retry_state.start_time)


# From 5 ms, a short transaction's length, doubled and drawn at random, so that those that met part;
# at most a quarter of a second, or a lock that is free again would be left unused for long.
REPEATING = Retrying(
    retry=retry_if_exception_type(Contention),
    stop=stop_after_attempt(ATTEMPTS - 1) | stop_after_delay(TOTAL_SECONDS) | StopWhenOver(),
    wait=wait_random_exponential(multiplier=0.005, max=0.25),
    reraise=True,
)

# Who waits for a table's lock holds up all that come after it, so a migration gives up after this long,
# lets the others through for a while, and tries again for as long as another migrating process may take.
TABLE_LOCK_SECONDS = 1
MIGRATION_SECONDS = 120
# Between two attempts the queue behind the table's lock drains: half a second is many transactions.
MIGRATING = Retrying(
    retry=retry_if_exception_type(Contention),
    stop=stop_after_delay(MIGRATION_SECONDS),
    wait=wait_random(0.5, 1.5),
    reraise=True,
)


def made(queue: str, partition_ids: list[int]) -> list[int]:
    """Return what a registration has made; raises `Contention` if another queue was at the same numbers."""
    if not partition_ids:
        raise Contention(f"another registration took the numbers that queue {queue!r} was to have")
    return partition_ids


def retry_migration(function: Callable[P, R]) -> Callable[P, R]:
    """Call ``function`` until it gets the tables' locks, for two minutes; then raise `Contention`."""

    @functools.wraps(function)
    def repeat(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return MIGRATING(function, *args, **kwargs)
        except Contention as error:
            msg = (
                f"{error}: for {MIGRATION_SECONDS} seconds transactions held the outbox's tables; "
                "end those that are open for long, and migrate again"
            )
            raise Contention(msg) from error

    return repeat


def retry_contention(function: Callable[P, R]) -> Callable[P, R]:
    """Call ``function`` again when it raises `Contention`, up to 8 times in all.

    The function must be a whole transaction that is rolled back when it raises. The first
    repetition follows at once (the transaction that won the race has just gone on), later ones after a random
    wait below an exponential bound from 5 ms to 250 ms. The last `Contention` is raised as it is;
    any other exception passes straight through. Safe from any thread.

    Where the first argument has a `Waiting` as ``waiting``, a stop of the workers cuts this short.
    """

    @functools.wraps(function)
    def repeat(*args: P.args, **kwargs: P.kwargs) -> R:
        began = monotonic()
        # The common case must not pay for tenacity's bookkeeping.
        try:
            return function(*args, **kwargs)
        except Contention:
            if waiting_of(args).over(began):
                raise
        return REPEATING(function, *args, **kwargs)

    return repeat
