"""Run the user's wrappers around a handler's call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

from outbox.handlers.batch import Batch
from outbox.handlers.signature import checked_handler
from outbox.values.message import OutboxMessage
from outbox.values.results import HandlerResult


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call of a handler, as the wrappers around it see it."""

    messages: tuple[OutboxMessage, ...]
    """One for a handler of single messages, all of the batch for a batch handler."""
    queue: str
    mode: Literal["leased", "transactional"]
    conn: Any
    """The connection with the open transaction that the handler is given; None when leased."""
    attempts: int
    """Earlier deliveries of the first message."""
    batch: Batch | None = None
    """What a leased batch handler is given; None for all others."""


Wrapper: TypeAlias = Callable[[Delivery, Callable[[], HandlerResult]], HandlerResult]
"""Called as ``wrapper(delivery, call_next)``; returns what ``call_next()`` returned, or another result."""


def checked_wrappers(around: Wrapper | Sequence[Wrapper] | None) -> tuple[Wrapper, ...]:
    """Return the wrappers given as one, as several or not at all, or raise `ConfigurationError`."""
    if around is None:
        return ()
    given = around if isinstance(around, Sequence) else (around,)
    return tuple(checked_handler(one, "delivery", "call_next", option="around") for one in given)


def surround(
    handler: Callable[..., Any], wrappers: Sequence[Wrapper], describe: Callable[..., Delivery]
) -> Callable[..., Any]:
    """Return a handler that runs inside the wrappers, the first outermost; the same one without any.

    ``describe`` makes the delivery from the handler's arguments. Results and exceptions pass through as
    they are: what comes out at the outermost wrapper is judged as the handler's own.
    """
    if not wrappers:
        return handler
    inwards = tuple(reversed(wrappers))

    def call(*args: Any) -> Any:
        delivery = describe(*args)
        step: Callable[[], Any] = partial(handler, *args)
        for wrapper in inwards:
            step = partial(wrapper, delivery, step)
        return step()

    return call


def of_message(message: OutboxMessage) -> Delivery:
    """Describe a call of ``handler(msg)``."""
    return Delivery((message,), message.queue, "leased", None, message.attempts)


def of_batch(batch: Batch) -> Delivery:
    """Describe a call of ``handler(batch)``."""
    first = batch.messages[0]
    return Delivery(tuple(batch.messages), first.queue, "leased", None, first.attempts, batch)


def in_transaction(conn: object, message: OutboxMessage) -> Delivery:
    """Describe a call of ``handler(conn, msg)``."""
    return Delivery((message,), message.queue, "transactional", conn, message.attempts)


def batch_in_transaction(conn: object, messages: Sequence[OutboxMessage]) -> Delivery:
    """Describe a call of ``handler(conn, msgs)``."""
    return Delivery(tuple(messages), messages[0].queue, "transactional", conn, messages[0].attempts)
