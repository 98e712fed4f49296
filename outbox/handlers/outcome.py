"""What became of a batch, in terms of positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the first unfinished message is to be delivered again.

    ``delay`` is what the handler asked for in seconds, None for the usual backoff. ``counts`` tells
    whether it counts towards ``max_attempts``. ``named`` tells that the first unfinished message is
    the culprit; otherwise it may be any message from there on. ``cause`` is the exception that the
    handler raised, if it was no result.
    """

    reason: str
    delay: float | None
    counts: bool
    named: bool
    cause: BaseException | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the messages of one handler call.

    The first ``processed`` of them are finished, those in ``rejected`` as dead letters: pairs of
    position and reason, in order. With a ``failure`` the rest waits for its delay; without one the
    rest is simply not done and ready at once (the cancel point came, or the handler finished a part).
    """

    processed: int
    rejected: tuple[tuple[int, str], ...] = ()
    failure: Failure | None = None


def insert_missing(outcome: Outcome, missing: Mapping[int, str], total: int) -> Outcome:
    """Return the outcome of a batch from which some messages were withheld.

    ``missing`` gives the positions among all ``total`` messages that the handler did not see, each
    with the reason it is rejected for; ``outcome`` counts only those it saw. A withheld message is
    rejected once everything before it is finished.
    """
    if not missing:
        return outcome
    seen = [position for position in range(total) if position not in missing]
    processed = seen[outcome.processed] if outcome.processed < len(seen) else total
    rejected = [(seen[position], reason) for position, reason in outcome.rejected]
    rejected += [(position, reason) for position, reason in missing.items() if position < processed]
    return Outcome(processed, tuple(sorted(rejected)), outcome.failure)
