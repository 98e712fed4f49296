"""An event loop that outlives one call, for peers that are asynchronous."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from benchmarks.peers.peer import Setting

T = TypeVar("T")

UVLOOP = Setting(
    "uvloop", "the fastest event loop; the same for every asynchronous peer", "https://uvloop.readthedocs.io/"
)


class EventLoop:
    """Runs coroutines to their end, one after the other, on one uvloop."""

    def __init__(self) -> None:
        import uvloop

        self._loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)
