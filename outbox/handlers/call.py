"""Call a handler, whatever it does, and decide what its answer means: the only such ladder."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NoReturn, Protocol

from outbox.handlers.around import Wrapper, of_batch, of_message, surround
from outbox.handlers.batch import Batch
from outbox.handlers.outcome import Answer, Done, Failed, Outcome, Rejected
from outbox.values.message import OutboxMessage
from outbox.values.reasons import describe
from outbox.values.results import HandlerResult, Reject, Retry, Success

BatchHandler = Callable[[Batch], HandlerResult]
MessageHandler = Callable[[OutboxMessage], HandlerResult]

DONE: Final = Done()


def call_handler(handler: Callable[..., object], *args: object) -> Answer:
    """Call ``handler(*args)`` and return what its answer means.

    A result may be returned or raised. Any other exception is a failure, with the exception as its
    cause; so is any other return value. `SystemExit` and its like are no exception: a handler that calls
    ``sys.exit()`` must not end the thread of a worker. Only the `KeyboardInterrupt` of a user, which
    Python raises in the main thread alone, passes through.
    """
    try:
        answer = _called(handler, args)
    except (Retry, Reject) as raised:
        answer = raised
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
            raise
        return Failed(describe(error), cause=error)
    # The commonest answers first: this runs once for each message.
    if answer is None or isinstance(answer, Success):
        return DONE
    if isinstance(answer, Retry):
        return Failed(answer.reason, answer.delay, answer.counts)
    if isinstance(answer, Reject):
        return Rejected(answer.reason)
    complaint = (
        f"handler returned a value of type {type(answer).__name__}; what it did is done again at the next "
        "delivery, so return None, Success, Retry or Reject"
    )
    return Failed(complaint, cause=TypeError(complaint))


def _called(handler: Callable[..., object], args: tuple[object, ...]) -> object:
    """Call a handler; a process that it forks ends where its own code does."""
    pid = os.getpid()
    try:
        return handler(*args)
    finally:
        if os.getpid() != pid:
            _end_child(sys.exc_info()[1])


def _end_child(error: BaseException | None) -> NoReturn:
    """End a process that a handler forked, when the code that forked it is over.

    The child is a copy of the worker's thread on the sockets of its parent. Going on, it would be a second
    worker, and settle messages behind the back of the first. ``error`` is how that code ended, None for a
    return.
    """
    code = 0
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if error.code is not None and not isinstance(error.code, int):
            sys.stderr.write(f"{error.code}\n")  # as Python does
    elif error is not None:
        traceback.print_exception(error)
        code = 1
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


class Tally:
    """Counts what became of a batch's messages; every invocation has one of its own."""

    __slots__ = ("attributed", "failure", "processed_count", "rejected")

    def __init__(self, processed: int = 0, rejected: Iterable[tuple[int, str]] = ()) -> None:
        self.processed_count = processed
        self.rejected = list(rejected)
        self.failure: Failed | None = None
        self.attributed = True

    def add(self, answer: Answer, messages: int = 1, *, attributed: bool = True) -> bool:
        """Take in the answer about the next ``messages``; return whether further ones may be begun.

        ``attributed`` tells that a failure would be known to be the first one's.
        """
        if isinstance(answer, Failed):
            self.failure, self.attributed = answer, attributed
            return False
        end = self.processed_count + messages
        if isinstance(answer, Rejected):
            self.rejected += [(position, answer.reason) for position in range(self.processed_count, end)]
        self.processed_count = end
        return True

    def outcome(self) -> Outcome:
        """Return what was counted."""
        return Outcome(self.processed_count, tuple(self.rejected), self.failure, self.attributed)


class LeasedAdapter(Protocol):
    """A user's leased handler, seen as a function of a batch."""

    def __call__(self, batch: Batch) -> Outcome:
        """Handle the batch, which must not be empty; raise nothing that a handler can raise."""

    def surrounded(self, wrappers: Sequence[Wrapper]) -> LeasedAdapter:
        """Return an adapter whose calls of the handler run inside the wrappers."""


class PerMessageAdapter:
    """Deliver a batch by calling ``handler(msg)`` for each of its messages, in order.

    Stops before a message once the batch is cancelled, and at the first failure, which concerns that
    message alone. A Reject dead-letters that message and goes on. Any number of threads may use one
    adapter at once: what was processed is counted per invocation.
    """

    def __init__(self, handler: MessageHandler) -> None:
        self.handler = handler

    def surrounded(self, wrappers: Sequence[Wrapper]) -> PerMessageAdapter:
        """Return an adapter whose calls run inside the wrappers."""
        return PerMessageAdapter(surround(self.handler, wrappers, of_message))

    def __call__(self, batch: Batch) -> Outcome:
        """Handle the messages; raises nothing that a handler can raise."""
        tally = Tally()
        for message in batch.messages:
            if batch.cancelled or not tally.add(call_handler(self.handler, message)):
                break
        return tally.outcome()


class BatchAdapter:
    """Deliver a batch by one call of ``handler(batch)``.

    Success finishes the marked prefix, or the whole batch if there is no mark. A failure keeps the
    marked prefix; its message is known if there were marks or only one message. A Reject dead-letters
    all that is not marked.
    """

    def __init__(self, handler: BatchHandler) -> None:
        self.handler = handler

    def surrounded(self, wrappers: Sequence[Wrapper]) -> BatchAdapter:
        """Return an adapter whose call runs inside the wrappers."""
        return BatchAdapter(surround(self.handler, wrappers, of_batch))

    def __call__(self, batch: Batch) -> Outcome:
        """Handle the batch, which must not be empty; raises nothing that a handler can raise."""
        answer = call_handler(self.handler, batch)
        tally = Tally(batch.processed, batch.rejected)
        if not (batch.marked and answer is DONE):
            left = len(batch) - batch.processed
            tally.add(answer, left, attributed=batch.marked or len(batch) == 1)
        return tally.outcome()
