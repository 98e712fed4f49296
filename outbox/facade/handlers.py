"""Handlers by decorator, for a builder that finds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from outbox.errors import ConfigurationError
from outbox.facade.declared import Declared
from outbox.facade.options import Declaration
from outbox.facade.outbox_builder import QueueBuilder
from outbox.values.partitions import Partitions
from outbox.values.validation import validate_queue

H = TypeVar("H", bound=Callable[..., Any])


class Decorator(Protocol):
    """Returns the function that it is given."""

    def __call__(self, handler: H, /) -> H:
        """Declare the handler."""


class Handlers(Declared):
    """Collects handlers where they are written; `OutboxBuilder.handlers` takes them.

    ::

        app = outbox.Handlers()


        @app.leased("orders", partitions=4, max_attempts=5)
        def ship(msg): ...


        Outbox.builder(url).handlers(app).start()  # or .handlers("shop.shipping"), the module's name

    Each decorator takes the options of the method of the same name of `QueueBuilder`, checks them at once,
    and returns the function as it is.
    """

    def leased(self, queue: str, *, partitions: Partitions | int, **options: Any) -> Decorator:
        """Declare ``handler(msg)``; see `QueueBuilder.leased`."""
        return self._decorator(queue, partitions, "leased", options)

    def leased_batch(self, queue: str, *, partitions: Partitions | int, **options: Any) -> Decorator:
        """Declare ``handler(batch)``; see `QueueBuilder.leased_batch`."""
        return self._decorator(queue, partitions, "leased_batch", options)

    def transactional(self, queue: str, *, partitions: Partitions | int, **options: Any) -> Decorator:
        """Declare ``handler(conn, msg)``; see `QueueBuilder.transactional`."""
        return self._decorator(queue, partitions, "transactional", options)

    def transactional_batch(self, queue: str, *, partitions: Partitions | int, **options: Any) -> Decorator:
        """Declare ``handler(conn, msgs)``; see `QueueBuilder.transactional_batch`."""
        return self._decorator(queue, partitions, "transactional_batch", options)

    def _decorator(
        self, queue: str, partitions: Partitions | int, mode: str, options: dict[str, Any]
    ) -> Decorator:
        validate_queue(queue)
        count = partitions if isinstance(partitions, Partitions) else Partitions.of(partitions)
        if any(declaration.queue == queue for declaration in self.declarations):
            raise ConfigurationError("queue", queue, "it has a handler already; declare each queue once")

        def decorate(handler: H) -> H:
            getattr(QueueBuilder(queue, count, self._add), mode)(handler, **options)
            return handler

        return decorate

    def _add(self, declaration: Declaration) -> Any:
        self.declarations = (*self.declarations, declaration)
