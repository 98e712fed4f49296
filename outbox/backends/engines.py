"""The user's SQLAlchemy Engine, and what the user's code does with a connection."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine

from outbox.errors import DatabaseError

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


class Guard(NamedTuple):
    """A savepoint that is there only for as long as its transaction is."""

    set: Callable[[], object]
    release: Callable[[], object]
    """Raises `DatabaseError` when it is gone."""


@contextmanager
def handed_over(session: Any, guard: Guard, ended: Callable[[], DatabaseError]) -> Iterator[Any]:
    """Hand a session's connection to a block of the user's, and raise unless it left the transaction open.

    SQLAlchemy knows at no cost what became of its own; the guard, a statement before and one after, finds
    what it does not see.
    """
    is_sound = watch(session.handler_connection)
    guard.set()
    session.spoiled = True
    yield session.handler_connection
    if not is_sound():
        raise ended()
    guard.release()


def watch(given: Any) -> Callable[[], bool]:
    """Return what tells whether a connection that the user's code got is still in the same transaction.

    SQLAlchemy's connection, when its user closed it or ended its transaction, may have given the driver's
    back already, and another thread may use that. A driver's own connection tells by itself.
    """
    if not isinstance(given, Connection):
        return lambda: True
    transaction = given.get_transaction()

    def is_the_same() -> bool:
        if transaction is None or given.closed or given.invalidated:
            return False
        return given.get_transaction() is transaction and transaction.is_active

    return is_the_same
