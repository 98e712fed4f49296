"""A message as it leaves for a broker, and where it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from outbox.values.message import OutboxMessage


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a broker is given: a body, headers, and the key that messages are ordered by.

    ``topic`` is the broker's word for the place: topic, exchange and routing key, stream, subject, URL.
    """

    topic: str
    key: str | None
    body: bytes
    content_type: str
    headers: Mapping[str, str]
    message: OutboxMessage

    @property
    def sequence(self) -> tuple[str, str | None]:
        """What its order counts in: no two messages of one sequence are ever under way unconfirmed."""
        return self.topic, self.key


@dataclass(frozen=True, slots=True)
class Route:
    """Where one message goes. What is None stays as the relay would have it.

    ``headers`` are added to those of the message. ``key`` replaces the message's own.
    """

    topic: str | None = None
    key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Router = Callable[[OutboxMessage], Route | str | None]
"""Picks the route of a message; text is a topic, None the default route."""


def route_of(router: Router, message: OutboxMessage) -> Route:
    """Ask the router."""
    answer = router(message)
    if isinstance(answer, Route):
        return answer
    return Route(topic=answer)
