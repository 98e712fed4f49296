"""What is still open when the program comes to its end without having closed it."""

from __future__ import annotations

import atexit
import logging
import os
from typing import Protocol
from weakref import WeakSet

log = logging.getLogger("outbox.runtime")


class Ends(Protocol):
    """Something that has to come to an end before the interpreter does."""

    def end(self) -> None:
        """Stop or close it; called once, from the main thread, while other threads still run."""


running: set[Ends] = set()
"""Workers, which need connections to the last; they outlive the handle that a program drops."""
opened: WeakSet[Ends] = WeakSet()
"""Pools with threads of their own, which end well only while the interpreter still runs threads."""


@atexit.register
def end_all() -> None:
    """Stop what works, then close what is open."""
    for each in [*running, *opened]:
        try:
            each.end()
        except Exception:
            log.debug("%s could not be ended at exit", type(each).__name__, exc_info=True)


def _forget() -> None:
    """Leave to the parent what is the parent's."""
    running.clear()
    opened.clear()


os.register_at_fork(after_in_child=_forget)
