"""Which connections of a pool were idle for so long that they may have been cut off."""

from __future__ import annotations

import select
import selectors
import threading
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg_pool import ConnectionPool

from outbox.clock import Clock, monotonic
from outbox.unwrapping import innermost

TRUSTED_FOR = 5.0
"""Seconds without use after which a connection is asked whether it lives: longer than the poll of a worker,
which then never asks, and shorter than what balancers take before they forget one."""


class Idleness:
    """Remembers when a connection was last used. Thread-safe."""

    def __init__(self, *, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._used: WeakKeyDictionary[psycopg.Connection[Any], float] = WeakKeyDictionary()

    def used(self, conn: psycopg.Connection[Any]) -> None:
        """Note that a connection goes back to its pool."""
        with self._lock:
            self._used[innermost(conn, psycopg.Connection)] = self._clock()

    def trusts(self, conn: psycopg.Connection[Any]) -> bool:
        """Tell whether a connection lives; 1 round trip if it was idle for long or was spoken to."""
        conn = innermost(conn, psycopg.Connection)
        with self._lock:
            used_at = self._used.get(conn)
        fresh = used_at is None or self._clock() - used_at < TRUSTED_FOR
        # What a server says unasked is mostly that it has ended the session.
        if fresh and not (conn.closed or wait_readable(0.0, conn.fileno())):
            return True
        try:
            # Commits nothing and begins nothing, whatever the connection is set to.
            ConnectionPool.check_connection(conn)
        except psycopg.Error:
            return False
        return True


def wait_readable(timeout: float, *descriptors: int) -> bool:
    """Wait at most ``timeout`` seconds; tell whether one of the file descriptors can be read.

    Unlike `select.select` for descriptors of 1024 and more, too. Each checkout asks it, so `poll` where the
    system has it: a selector object costs ten times that.
    """
    if not hasattr(select, "poll"):
        with selectors.DefaultSelector() as selector:
            for descriptor in descriptors:
                selector.register(descriptor, selectors.EVENT_READ)
            return bool(selector.select(timeout))
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(timeout * 1000))
