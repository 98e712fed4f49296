"""The knobs of a workload."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

import outbox
from outbox import Outbox, OutboxProfile
from outbox.facade import OutboxBuilder, QueueBuilder

Declare: TypeAlias = Callable[[QueueBuilder], OutboxBuilder]


@dataclass(frozen=True)
class Load:
    """What is sent, by whom, to whom. Every workload reads what concerns it."""

    messages: int = 20_000
    payload: int = 100
    """Bytes."""
    batch: int = 100
    """Messages in one transaction of a producer."""
    producers: int = 1
    """Producer threads."""
    queues: int = 1
    partitions: int = 64
    """Of each queue."""
    profile: str = "adaptive"
    processors: int = 4
    """Processor threads of a process."""
    processes: int = 1
    """Processes that work, this one included."""
    wakeup: str = "auto"
    poll_interval: float = 1.0
    consume: bool = True
    """False: no worker runs while the producers produce."""
    rate: float = 50.0
    """Messages a second, where the load is to be light."""
    elsewhere: bool = False
    """The producer is in another process."""
    group: int = 64
    """Partitions that the bare script processes in one statement."""
    limit: int = 62
    """Messages that it reads of each; 64 times 62 is the library's largest turn."""
    hold: bool = False
    """A transaction stays open on the same database for the whole run."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Load:
        return cls(**json.loads(text))

    def replace(self, **changes: Any) -> Load:
        return replace(self, **changes)

    def divided(self, fraction: int) -> Load:
        """Return the same with a fraction of the messages, in whole batches."""
        return self.replace(messages=max(self.batch, self.messages // fraction // self.batch * self.batch))

    def changes(self) -> dict[str, object]:
        """Return what differs from the defaults."""
        mine, usual = asdict(self), asdict(Load())
        return {name: value for name, value in mine.items() if value != usual[name]}

    @property
    def names(self) -> list[str]:
        """The queues."""
        return [f"q{number}" for number in range(self.queues)]

    def body(self) -> bytes:
        """Return one payload."""
        return b"x" * self.payload

    def builder(self, url: str) -> OutboxBuilder:
        """Return a builder with everything but the queues."""
        builder = Outbox.builder(url).profile(getattr(OutboxProfile, self.profile)()).stats_interval(0)
        return builder.processors(self.processors).wakeup(self.wakeup).poll_interval(self.poll_interval)

    def declare(self, url: str, how: Declare) -> OutboxBuilder:
        """Return a builder whose queues are all consumed as ``how`` says."""
        builder = self.builder(url)
        for name in self.names:
            builder = how(builder.queue(name, self.partitions))
        return builder

    def open(self, url: str) -> Outbox:
        """Create the tables where needed and open a producer."""
        outbox.migrate(url)
        return self.declare(url, lambda queue: queue.enqueue_only()).open()
