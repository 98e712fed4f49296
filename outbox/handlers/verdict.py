"""Calling a handler, whatever it does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from outbox.values.message import OutboxMessage
from outbox.values.reasons import describe
from outbox.values.results import Reject, Retry, Success

logger = logging.getLogger("outbox.handlers")


def call_handler(
    handler: Callable[..., object], *args: object, first: OutboxMessage
) -> Retry | Reject | None:
    """Call ``handler(*args)`` and return its verdict, None meaning success.

    A result may be returned or raised. Any other exception is a Retry, its traceback logged; so is a
    nonsense return value, its type logged. `SystemExit` and its like are no exception: a handler that
    calls ``sys.exit()`` must not end the thread of a worker. Only the `KeyboardInterrupt` of a user,
    which Python raises in the main thread alone, passes through. ``first`` is the first message the
    call is about; the log shows where it is, never what it says.
    """
    try:
        answer = handler(*args)
    except (Retry, Reject) as raised:
        return raised.with_traceback(None)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
            raise
        return _retry_after(error, first)
    if answer is None or isinstance(answer, Success):
        return None
    if isinstance(answer, (Retry, Reject)):
        return answer
    return _retry_nonsense(answer, first)


def _retry_after(error: BaseException, first: OutboxMessage) -> Retry:
    level = logging.ERROR if isinstance(error, Exception) else logging.CRITICAL
    where = place(first)
    logger.log(
        level,
        "handler failed; queue %s, partition %d, from seq %d on",
        *where.values(),
        exc_info=error,
        extra=where,
    )
    retry = Retry(describe(error))
    retry.__cause__ = error
    return retry


def _retry_nonsense(answer: object, first: OutboxMessage) -> Retry:
    complaint = f"handler returned a {type(answer).__name__}, not None, Success, Retry or Reject"
    where = place(first)
    logger.error("%s; queue %s, partition %d, from seq %d on", complaint, *where.values(), extra=where)
    return Retry(complaint)


def place(message: OutboxMessage) -> dict[str, object]:
    """Return where a message stands, as the extra fields of a log record."""
    return {"queue": message.queue, "partition": message.partition, "seq": message.seq}
