"""Connections that serve one call at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from outbox.clock import Deadline


class Session(Protocol):
    """A connection to a broker, used by one thread at a time."""

    def usable(self) -> bool:
        """Whether it may serve another call."""
        ...

    def close(self) -> None:
        """Cut the connection; what it has not sent yet is never sent."""
        ...


S = TypeVar("S", bound=Session)


class SessionPool(Generic[S]):
    """Lends sessions, one to each call, so there are as many as calls at a time: the processor threads.

    A session that failed is closed instead of kept. After a fork the child opens its own. Any thread may use
    it; nothing is opened or closed under the lock.
    """

    def __init__(self, open_session: Callable[[Deadline], S]) -> None:
        self._open = open_session
        self._lock = threading.Lock()
        self._idle: list[S] = []
        self._pid = os.getpid()

    @contextmanager
    def acquire(self, deadline: Deadline, fits: Callable[[S], bool] = lambda _: True) -> Iterator[S]:
        """Yield a session that fits, opened before the deadline; an exception in the block closes it."""
        session = self._take(fits) or self._open(deadline)
        try:
            yield session
        except BaseException:
            session.close()
            raise
        if session.usable():
            self._give(session)
        else:
            session.close()

    def close(self) -> None:
        """Close the sessions that nothing uses."""
        with self._lock:
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()

    def _take(self, fits: Callable[[S], bool]) -> S | None:
        while True:
            with self._lock:
                if self._pid != os.getpid():
                    # The sockets are the parent's: closing them here would speak on its behalf.
                    self._idle, self._pid = [], os.getpid()
                session = self._idle.pop() if self._idle else None
            if session is None or (session.usable() and fits(session)):
                return session
            session.close()

    def _give(self, session: S) -> None:
        with self._lock:
            self._idle.append(session)
