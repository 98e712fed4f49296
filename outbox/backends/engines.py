"""The user's SQLAlchemy Engine."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine

_known: weakref.WeakSet[Engine] = weakref.WeakSet()
# Never collected in a child, where a driver would say goodbye on the sockets of the parent.
_left_to_parents: list[Any] = []
_pid = os.getpid()
_renewing = threading.Lock()


def survive_forks(engine: Engine) -> None:
    """Give the Engine a new pool in every child of this process that forks from now on.

    What its pool holds at a fork stays the parent's: two processes that send on one socket read each other's
    answers. A server that loads the application and forks then, as ``gunicorn --preload`` does, is so safe.
    """
    _known.add(engine)
    renew_in_child()


def renew_in_child() -> None:
    """Give the known Engines their new pools, once, if this process is a child that has not yet.

    Python's own forks are noticed; uWSGI forks without a word to Python, so what is asked first in a
    request of its asks this.
    """
    global _pid
    if os.getpid() == _pid:
        return
    with _renewing:
        if os.getpid() != _pid:
            for engine in list(_known):
                _left_to_parents.append(engine.pool)
                engine.dispose(close=False)
            _pid = os.getpid()


def _after_fork() -> None:
    global _renewing
    _renewing = threading.Lock()
    renew_in_child()


os.register_at_fork(after_in_child=_after_fork)


def with_pool_of_its_own(engine: Engine) -> Engine:
    """Return an Engine that connects like the user's and shares no connection with it.

    Its pool is made like the user's: creator, arguments and the pool's listeners take part. Listeners of
    the Engine itself do not. Dispose of it when it is not needed any more.
    """
    return Engine(
        engine.pool.recreate(),
        engine.dialect,
        engine.url,
        execution_options=engine.get_execution_options(),
        hide_parameters=engine.hide_parameters,
    )


def watch(lent: Any) -> Callable[[], bool]:
    """Return what tells whether a lent connection is still in the transaction it was lent with.

    SQLAlchemy's connection, when its user closed it or ended its transaction, may have given the driver's
    back already, and another thread may use that. A driver's own connection tells by itself.
    """
    if not isinstance(lent, Connection):
        return lambda: True
    transaction = lent.get_transaction()

    def still_lent() -> bool:
        if transaction is None or lent.closed or lent.invalidated:
            return False
        return lent.get_transaction() is transaction and transaction.is_active

    return still_lent
