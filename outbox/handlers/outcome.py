"""What a handler's answer means, and what became of a batch in terms of positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Done:
    """The handler succeeded: its messages are finished."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The handler failed or asked for a retry: the first unfinished message is delivered again.

    ``delay`` is what the handler asked for in seconds, None for the usual backoff. ``counts`` tells
    whether the failure counts towards ``max_attempts``. ``cause`` is the exception behind it, None if
    the handler answered with a Retry.
    """

    reason: str
    delay: float | None = None
    counts: bool = True
    cause: BaseException | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """The handler refused its messages for good: they become dead letters."""

    reason: str


Answer: TypeAlias = Done | Failed | Rejected


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the messages of one handler call.

    The first ``processed`` of them are finished, those in ``rejected`` as dead letters: pairs of
    position and reason, in order. With a ``failure`` the rest waits for its delay; without one the
    rest was not begun and is ready at once (the cancel point came, or the handler finished a part).
    A failure is ``attributed`` when the first unfinished message is known to be its cause; otherwise
    any message from there on may be.
    """

    processed: int
    rejected: tuple[tuple[int, str], ...] = ()
    failure: Failed | None = None
    attributed: bool = True


def insert_missing(outcome: Outcome, missing: Mapping[int, str | None], total: int) -> Outcome:
    """Return the outcome of a batch from which some messages were withheld.

    ``missing`` gives the positions among all ``total`` messages that the handler did not see, each
    with the reason it is rejected for; ``outcome`` counts only those it saw. A withheld message is
    rejected once everything before it is finished; without a reason it is finished then.
    """
    if not missing:
        return outcome
    seen = [position for position in range(total) if position not in missing]
    processed = seen[outcome.processed] if outcome.processed < len(seen) else total
    rejected = [(seen[position], reason) for position, reason in outcome.rejected]
    rejected += [
        (position, reason)
        for position, reason in missing.items()
        if position < processed and reason is not None
    ]
    return Outcome(processed, tuple(sorted(rejected)), outcome.failure, outcome.attributed)
