"""Threads that work at the same time, for as long as a test has patience."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Crew:
    """Runs actions in threads; when one fails or time is up, `going` tells the others to stop."""

    def __init__(self, patience: float = 60.0) -> None:
        self._deadline = time.monotonic() + patience
        self._errors: list[BaseException] = []

    def going(self) -> bool:
        """Return whether a loop may go on; every loop of an action asks."""
        assert time.monotonic() < self._deadline, "not finished in time"
        return not self._errors

    def run(self, *actions: Callable[[], object]) -> None:
        """Run all actions at once; raise the first error."""
        barrier = threading.Barrier(len(actions))
        threads = [threading.Thread(target=self._guarded, args=(action, barrier)) for action in actions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _guarded(self, action: Callable[[], object], barrier: threading.Barrier) -> None:
        try:
            barrier.wait()
            action()
        except BaseException as error:
            self._errors.append(error)
