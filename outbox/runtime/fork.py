"""Refuse to be used in a child process."""

from __future__ import annotations

import os

from outbox.errors import ForkedProcess


class ForkGuard:
    """Remember the process it was made in.

    A fork copies locks and sockets but no threads, so what was built before it waits for ever or shares
    a connection with its parent. Thread-safe, and cheap enough for every call.
    """

    __slots__ = ("_pid",)

    def __init__(self) -> None:
        self._pid = os.getpid()

    def check(self) -> None:
        """Raise `ForkedProcess` in any process but the one this guard was made in."""
        if os.getpid() != self._pid:
            raise ForkedProcess("this outbox was made before fork; build and start the outbox after the fork")
