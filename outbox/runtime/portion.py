"""How much to ask of a server that ends statements which take too long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from outbox.errors import StatementTimeout

R = TypeVar("R")

GROW_AFTER: Final = 20
"""Statements that went well before the next try with twice as much. Chosen, not measured."""


class Portion:
    """Halves what one statement is to do after each time-out, and doubles it again after some that went well.

    Threads that share one race for estimates, not for facts.
    """

    def __init__(self) -> None:
        self._most: int | None = None
        self._went_well = 0

    def of(self, wanted: int) -> int:
        """Return how much of so much to ask for."""
        return wanted if self._most is None else min(wanted, self._most)

    def run(self, wanted: int, statement: Callable[[int], R]) -> tuple[R, int]:
        """Call with as much as the server allows; return the result and how much that was.

        Raises `StatementTimeout` when not even one is done in time.
        """
        while True:
            asked = self.of(wanted)
            try:
                result = statement(asked)
            except StatementTimeout:
                if asked <= 1:
                    raise
                self.timed_out(asked)
                continue
            self.succeeded(wanted)
            return result, asked

    def timed_out(self, asked: int) -> None:
        """Take in that so much was too much."""
        self._most, self._went_well = max(1, asked // 2), 0

    def succeeded(self, wanted: int) -> None:
        """Take in that a statement went well, where ``wanted`` would have been asked for without limits."""
        if self._most is None:
            return
        self._went_well += 1
        if self._went_well >= GROW_AFTER:
            self._most, self._went_well = self._most * 2, 0
            if self._most >= wanted:
                self._most = None
