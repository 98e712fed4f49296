"""What a worker runs."""

from __future__ import annotations

from typing import Protocol

from outbox.runtime.directive import Directive


class Action(Protocol):
    """One round of work at a time, always called from the worker's own thread.

    Two further methods are used when the action has them: `next_due() -> float | None`, asked before
    each wait, is the absolute monotonic time at which work becomes due by itself; `close() -> None` is
    called once when the thread ends.
    """

    def run_once(self) -> Directive:
        """Look for work, do a bounded amount of it, and say when to come back."""
        ...
