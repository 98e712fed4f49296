"""Hand dead letters to a handler and settle each at once, as a worker would its message."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from outbox.clock import Deadline
from outbox.dead_letters.letter import DeadLetter
from outbox.dead_letters.operations import Operations, Progress
from outbox.events import HandlerFailed
from outbox.handlers.batch import Batch
from outbox.handlers.call import BatchAdapter, PerMessageAdapter
from outbox.handlers.outcome import Outcome
from outbox.handlers.signature import checked_handler
from outbox.values.durations import seconds
from outbox.values.fingerprints import fingerprint
from outbox.values.identity import identity_of
from outbox.values.message import OutboxMessage

# Claimed together: few enough to be done within the claim, so that another process can help.
AT_ONCE = 20
UNFINISHED = "the handler marked nothing of it as finished"


@dataclass
class ReplayCounts:
    """What became of the letters."""

    resolved: int = 0
    rejected: int = 0
    """Pending again, with the handler's reason."""
    lost: int = 0
    """Claimed by another one before the handler was done."""
    skipped: int = 0
    """Gone, completed, or claimed by another one before their turn came."""
    stopped_at: str | None = None
    """The fingerprint of the failure that ended the replay early: no letter had it before."""

    def __str__(self) -> str:
        counts = ((getattr(self, name), name) for name in ("resolved", "rejected", "lost", "skipped"))
        told = ", ".join(f"{number} {name}" for number, name in counts if number) or "no letters"
        return told if self.stopped_at is None else f"{told}; stopped at a new failure: {self.stopped_at}"


def replay_with(
    letters: Operations,
    ids: Sequence[int],
    handler: Callable[..., Any],
    timeout: float | timedelta = 60.0,
    *,
    known: Collection[str] | None = None,
    progress: Progress | None = None,
) -> ReplayCounts:
    """Hand letters to a leased handler, each once, in the order of their ids; return what became of them.

    ``handler`` takes an `OutboxMessage`, or a `Batch` if its parameter is annotated so, which then has one
    message. What it finishes is resolved; what it fails at or rejects is pending again, with the reason. The
    letters are claimed for ``timeout`` seconds, a few at once; what a process that dies had claimed can be
    claimed again after that. With ``known`` it ends at the first failure whose fingerprint is not among
    these. Raises `ConfigurationError` for a handler that cannot be called like that.
    """
    deliver = adapter_of(handler)
    held = seconds(timeout, option="timeout", positive=True)
    counts = ReplayCounts()
    # What may end early holds no letter that it does not hand over.
    size = AT_ONCE if known is None else 1
    for start in range(0, len(ids), size):
        portion = ids[start : start + size]
        done = [
            settle(letters, letter, deliver, deadline) for letter, deadline in claims(letters, portion, held)
        ]
        for word, _ in done:
            setattr(counts, word, getattr(counts, word) + 1)
        counts.skipped += len(portion) - len(done)
        if progress is not None:
            progress(len(portion))
        if known is not None and (
            new := next((kind for _, kind in done if kind not in {None, *known}), None)
        ):
            counts.stopped_at = new
            break
    return counts


def adapter_of(handler: Callable[..., Any]) -> Callable[[Batch], Outcome]:
    """Return how to call a leased handler; raises `ConfigurationError` for any other handler.

    To call it all the same would put that mistake in the place of each letter's error.
    """
    checked = checked_handler(handler, "msg")
    return BatchAdapter(checked) if takes_batch(checked) else PerMessageAdapter(checked)


def takes_batch(handler: Callable[..., Any]) -> bool:
    """Tell whether the first parameter of a handler is annotated, or called, as a batch."""
    try:
        parameter = next(iter(inspect.signature(handler).parameters.values()), None)
    except ValueError:
        return False
    if parameter is None or parameter.annotation is parameter.empty:
        return parameter is not None and parameter.name == "batch"
    annotation = parameter.annotation
    return annotation is Batch or (isinstance(annotation, str) and annotation.rpartition(".")[2] == "Batch")


def claims(
    letters: Operations, portion: Sequence[int], timeout: float
) -> Iterator[tuple[DeadLetter, Deadline]]:
    """Yield claimed letters whose claim still holds; when it has run out, claim those that are left again."""
    left = list(portion)
    while left:
        # Read before the claim is sent: our idea of its end comes before the database's.
        deadline = Deadline.after(timeout)
        claimed = letters.claim(left, timeout)
        left = []
        for position, letter in enumerate(claimed):
            if position and deadline.passed:
                left = [late.id for late in claimed[position:]]
                break
            yield letter, deadline


def settle(
    letters: Operations, letter: DeadLetter, deliver: Callable[[Batch], Outcome], deadline: Deadline
) -> tuple[str, str | None]:
    """Call the handler for one letter and settle it at once; return what became of it, and its failure."""
    # Never cancelled: there is nothing else to stop before, and to call nothing would count as a failure.
    batch = Batch([message_of(letter, deadline)], Deadline.never(), lambda: False)
    outcome = deliver(batch)
    reason = UNFINISHED if outcome.processed == 0 else None
    for _, rejection in outcome.rejected:
        reason = rejection
    cause = None
    if outcome.failure is not None:
        reason, cause = outcome.failure.reason, outcome.failure.cause
        if cause is not None:
            letters.observers.tell(handler_failed(letter, reason, cause))
    if reason is None:
        return "resolved" if letters.resolve([letter]) else "lost", None
    kind = fingerprint(reason, cause)
    return "rejected" if letters.reject([letter], reason if cause is None else cause) else "lost", kind


def handler_failed(letter: DeadLetter, reason: str, error: BaseException) -> HandlerFailed:
    """Return the event of an exception in the handler."""
    return HandlerFailed(
        queue=letter.queue,
        partition=letter.partition,
        partition_id=letter.partition_id,
        seq=letter.seq,
        message_id=letter.message_id,
        attempts=letter.attempts,
        reason=reason,
        error=error,
    )


def message_of(letter: DeadLetter, deadline: Deadline) -> OutboxMessage:
    """Return the message as its handler knew it."""
    return OutboxMessage(
        letter.message_id,
        letter.queue,
        letter.partition,
        letter.partition_id,
        letter.seq,
        letter.payload,
        letter.payload_type,
        letter.headers,
        letter.created_at,
        letter.attempts,
        deadline,
        letter.key,
        letter.uid,
        letter.origin,
        identity_of(letter.source),
    )
