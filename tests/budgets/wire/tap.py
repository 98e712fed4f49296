"""The statements that passed, in order."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import NamedTuple


class Statement(NamedTuple):
    """One statement on its way to the database, and when it passed (monotonic seconds)."""

    text: str
    at: float

    @property
    def verb(self) -> str:
        """Its first word in capitals; a statement that begins with WITH may do anything."""
        return self.text.split(None, 1)[0].rstrip(";").upper()


class Tap:
    """What all connections sent since the last `take`. Thread-safe."""

    def __init__(self) -> None:
        self.on_statement: Callable[[Statement], object] = _nothing
        """Called with each statement before it is passed on, by the thread that passes it."""
        self._lock = threading.Lock()
        self._statements: list[Statement] = []

    def note(self, text: str) -> None:
        """Add a statement; called before it is passed on."""
        statement = Statement(" ".join(text.split()), time.monotonic())
        with self._lock:
            self._statements.append(statement)
        self.on_statement(statement)

    def take(self) -> list[Statement]:
        """Return what passed since the last call, and forget it."""
        with self._lock:
            taken, self._statements = self._statements, []
            return taken

    def seen(self) -> list[Statement]:
        """Return what passed since the last `take`, and keep it."""
        with self._lock:
            return list(self._statements)

    def verbs(self) -> list[str]:
        """Take what passed, as first words."""
        return [statement.verb for statement in self.take()]

    def die_at(self, number: int) -> None:
        """Kill this process when its n-th statement from now on is about to reach the database."""
        self.take()

        def on_statement(_statement: Statement) -> None:
            if len(self.seen()) == number:
                os.kill(os.getpid(), signal.SIGKILL)

        self.on_statement = on_statement


def _nothing(_statement: Statement) -> None:
    pass
