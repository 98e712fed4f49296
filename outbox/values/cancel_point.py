"""Until when a handler may begin messages, and whether a stop has begun."""

from __future__ import annotations

from collections.abc import Callable

from outbox.clock import Clock, Deadline, monotonic


class CancelPoint(Deadline):
    """The deadline of a delivery, which also tells of a stop; one for all messages of a batch."""

    __slots__ = ("stopping",)

    def __init__(self, at: float, stopping: Callable[[], bool], *, clock: Clock = monotonic) -> None:
        super().__init__(at, clock=clock)
        self.stopping = stopping
