"""One call of a batch handler, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable

from outbox.handlers.batch import Batch
from outbox.handlers.outcome import Failure, Outcome
from outbox.handlers.verdict import call_handler
from outbox.values.results import HandlerResult, Reject, Retry

BatchHandler = Callable[[Batch], HandlerResult]


def invoke_batch(handler: BatchHandler, batch: Batch) -> Outcome:
    """Call ``handler(batch)`` and return the outcome; raises nothing a handler can raise.

    Success finishes the marked prefix, or the whole batch if there is no mark. Retry, raised or
    returned, keeps the marked prefix; the culprit is known if there were marks or only one message.
    Reject dead-letters all that is not marked. The batch must not be empty.
    """
    verdict = call_handler(handler, batch, first=batch.messages[0])
    rejected = tuple(batch.rejected)
    if isinstance(verdict, Retry):
        return Outcome(batch.processed, rejected, failure_of(verdict, named=batch.marked or len(batch) == 1))
    if isinstance(verdict, Reject):
        tail = tuple((position, verdict.reason) for position in range(batch.processed, len(batch)))
        return Outcome(len(batch), rejected + tail)
    return Outcome(batch.processed if batch.marked else len(batch), rejected)


def failure_of(retry: Retry, *, named: bool) -> Failure:
    """Return the failure that a Retry stands for."""
    return Failure(retry.reason, retry.delay, retry.counts, named, retry.__cause__)
