"""Call back after a COMMIT, of a connection or of a turn, and never let a callback make it look failed."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

logger = logging.getLogger("outbox.producers")

# SQLAlchemy's own "commit" event comes before the COMMIT is sent, when no other connection sees the messages
# yet. This is the method that sends it, and nothing else: neither savepoints nor rollbacks pass it.
COMMIT = "_commit_impl"


def quietly(callback: Callable[[], object]) -> None:
    """Run a callback; an exception is logged, because the transaction is committed already."""
    try:
        callback()
    except Exception:
        logger.exception(
            "the call after a commit failed; the messages are committed and will be polled",
            extra={"event": "outbox.after_commit_failed"},
        )


class AfterCommit:
    """The callbacks of one transaction of a SQLAlchemy Connection, standing in for its commit method.

    It is removed by the commit, and forgotten with its transaction by a rollback: the next
    transaction is another object. It holds no reference that would keep either alive.
    """

    def __init__(self, connection: Any, transaction: Any) -> None:
        self.connection = weakref.ref(connection)
        self.transaction = weakref.ref(transaction)
        self.callbacks: dict[Callable[[], object], None] = {}

    def __call__(self) -> None:
        """Commit, then run the callbacks."""
        connection = self.connection()
        assert connection is not None
        mine = connection.get_transaction() is self.transaction()
        del vars(connection)[COMMIT]
        getattr(connection, COMMIT)()
        if mine:
            for callback in self.callbacks:
                quietly(callback)


def after_commit(connection: Any, callback: Callable[[], object]) -> bool:
    """Run ``callback`` once after the open transaction of a SQLAlchemy Connection has committed.

    Returns False when no transaction is open, or when this SQLAlchemy commits in another way.
    """
    transaction = connection.get_transaction()
    if transaction is None or not hasattr(connection, COMMIT):
        return False
    hook = vars(connection).get(COMMIT)
    if not isinstance(hook, AfterCommit) or hook.transaction() is not transaction:
        hook = vars(connection)[COMMIT] = AfterCommit(connection, transaction)
    hook.callbacks[callback] = None
    return True


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
