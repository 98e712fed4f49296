"""Call back after the commit of a transactional turn, for what its handlers enqueue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from outbox.connections.after_commit import quietly


class Turn(threading.local):
    """What is to be called after the commit of this thread's turn; None when it is not in one."""

    callbacks: dict[Callable[[], object], None] | None = None


_turn = Turn()


@contextmanager
def turn_commit() -> Iterator[None]:
    """Run what `after_turn` was given on this thread, once the block is over, which commits at its end.

    Nothing is run when it raises.
    """
    callbacks: dict[Callable[[], object], None] = {}
    _turn.callbacks = callbacks
    try:
        yield
    finally:
        _turn.callbacks = None
    for callback in callbacks:
        quietly(callback)


def after_turn(callback: Callable[[], object]) -> bool:
    """Run ``callback`` once after this thread's turn has committed; False when it is not in one."""
    if _turn.callbacks is None:
        return False
    _turn.callbacks[callback] = None
    return True
