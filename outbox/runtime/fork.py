"""Refuse to be used in a child process."""

from __future__ import annotations

import os

from outbox.errors import ForkedProcess

REFUSAL = "this outbox was made before fork; build and start the outbox after the fork"


class ForkGuard:
    """Remember the process it was made in, and what to say in another one.

    A fork copies locks and sockets but no threads, so what was built before it waits for ever or shares
    a connection with its parent. Thread-safe, and cheap enough for every call.
    """

    __slots__ = ("_pid", "_refusal")

    def __init__(self, refusal: str = REFUSAL) -> None:
        self._pid = os.getpid()
        self._refusal = refusal

    def check(self) -> None:
        """Raise `ForkedProcess` in any process but the one this guard was made in."""
        if os.getpid() != self._pid:
            raise ForkedProcess(self._refusal)
