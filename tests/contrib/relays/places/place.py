"""One new topic on a broker, and everything that arrived there."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from outbox.contrib.relays import Relay


@dataclass(frozen=True)
class Arrival:
    """A message as a consumer sees it."""

    key: str | None
    body: bytes
    headers: dict[str, str]

    @property
    def partition(self) -> str:
        return self.headers["outbox-partition"]

    @property
    def seq(self) -> int:
        return int(self.headers["outbox-seq"])


class Place(ABC):
    """A topic of its own; `arrivals` returns more each time more has arrived."""

    kind: str
    messages = 400
    """How many a test sends that looks at whole histories."""
    server: str | None = None
    """The broker's name, where it is not that of the kind."""

    def __init__(self, broker: Any) -> None:
        self.broker = broker
        self.topic = f"orders-{uuid.uuid4().hex[:8]}"
        self._arrivals: list[Arrival] = []
        self._relays: list[Relay] = []
        self.create()

    def relay(self, **options: Any) -> Relay:
        """Return a new relay to this place; it is closed when the test ends."""
        self._relays.append(self.new_relay(self.broker.url, self.topic, **options))
        return self._relays[-1]

    def arrivals(self) -> list[Arrival]:
        """Return everything that has arrived, in order."""
        self._arrivals += self.read()
        return self._arrivals

    def bodies(self) -> list[bytes]:
        return [arrival.body for arrival in self.arrivals()]

    def close(self) -> None:
        for relay in self._relays:
            relay.close()

    @abstractmethod
    def create(self) -> None:
        """Create the topic."""

    @abstractmethod
    def read(self) -> list[Arrival]:
        """Return what arrived since the last call."""

    def relay_to(self, topic: str, **options: Any) -> Relay:
        """Return a relay to a topic that is not this place's; it is closed when the test ends."""
        self._relays.append(self.new_relay(self.broker.url, topic, **options))
        return self._relays[-1]

    @staticmethod
    @abstractmethod
    def new_relay(url: str, topic: str, **options: Any) -> Relay:
        """Return a relay; child processes call this too."""
