"""A handler of single messages, seen as a batch handler."""

from __future__ import annotations

import threading
from collections.abc import Callable

from outbox.handlers.batch import Batch
from outbox.handlers.verdict import call_handler
from outbox.values.message import OutboxMessage
from outbox.values.results import HandlerResult, Reject, Retry

MessageHandler = Callable[[OutboxMessage], HandlerResult]


class PerMessageAdapter:
    """Call ``handler(msg)`` for each message of a batch, in order.

    Stops before a message once the batch is cancelled, and at the first Retry, which concerns that
    message alone. A Reject dead-letters that message and goes on. Any number of threads may use one
    adapter at once: what was processed is kept on the batch of each call.
    """

    def __init__(self, handler: MessageHandler) -> None:
        self.handler = handler
        self._calls = threading.local()

    def __call__(self, batch: Batch) -> Retry | None:
        """Handle the batch and mark it; return the Retry it stopped at, None otherwise."""
        batch.expect_marks()
        try:
            return self._handle(batch)
        finally:
            self._calls.processed = batch.processed

    @property
    def processed_count(self) -> int:
        """How many messages this thread's last call finished."""
        count: int = getattr(self._calls, "processed", 0)
        return count

    def _handle(self, batch: Batch) -> Retry | None:
        while not batch.cancelled and (message := batch.next_msg()) is not None:
            verdict = call_handler(self.handler, message, first=message)
            if isinstance(verdict, Retry):
                return verdict
            if isinstance(verdict, Reject):
                batch.reject(verdict.reason)
            else:
                batch.ack()
        return None
