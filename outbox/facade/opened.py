"""What an outbox is put together from, once its database is connected."""

from __future__ import annotations

from dataclasses import dataclass

from outbox.backends.protocol import Backend
from outbox.enqueue.place import RightPlace
from outbox.facade.registry import Registry
from outbox.installation import Installation
from outbox.queues.rules import Rules
from outbox.runtime.observers import Observers
from outbox.workers.consumer import Consumer


@dataclass(frozen=True)
class OpenedBackend:
    """A connected database whose server and tables are checked and whose queues are registered."""

    backend: Backend
    registry: Registry
    consumers: list[Consumer]
    place: RightPlace
    """Where the outbox is, for the connections of producers to be compared with."""
    notifies: bool
    """Whether processes wake each other by NOTIFY."""
    observers: Observers
    installation: Installation
    rules: Rules
