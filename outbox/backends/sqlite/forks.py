"""What a fork finds of SQLite: nothing open.

SQLite keeps the locks of a process in that process's memory. A fork copies the notes and not the locks:
the child would wait for transactions of its parent's that never end there, and read the file without the
lock that keeps others from making it anew. So the connections come to rest before a fork, and are closed;
they open again when they are needed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from weakref import WeakSet

from outbox.errors import ForkedProcess

REST_SECONDS = 5.0
"""How long a fork waits for transactions: longer than any that SQLite's other writers would wait for."""
REFUSAL = (
    "SQLite: this process was forked while a transaction of its parent was open on the same file, and SQLite "
    "would wait for that for ever; fork outside of transactions and transactional handlers, or start the "
    "child by spawn"
)

File = tuple[int, int]


class Rests(Protocol):
    """A source of connections."""

    def file(self) -> File | None:
        """Return the file that its connections are opened on, if there is one."""

    def rest(self) -> None:
        """Close the connections, none of which is in use; the next one that is needed is opened."""


class Gate:
    """Lets threads to connections, but not to their first one while a fork is under way. Thread-safe."""

    def __init__(self) -> None:
        self.sources: WeakSet[Rests] = WeakSet()
        self._inherited: set[File] = set()
        self._renew()

    def _renew(self) -> None:
        self._condition = threading.Condition()
        self._holders: dict[int, int] = {}
        self._forks = 0
        self._clean = True

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Have a connection during the block."""
        me = threading.get_ident()
        with self._condition:
            # Who has one already is waited for, and may need another one to come to an end.
            self._condition.wait_for(lambda: not self._forks or me in self._holders)
            self._holders[me] = self._holders.get(me, 0) + 1
        try:
            yield
        finally:
            with self._condition:
                # None in a child that was forked in the block.
                left = self._holders.pop(me, 0) - 1
                if left > 0:
                    self._holders[me] = left
                elif self._forks:
                    self._condition.notify_all()

    def check(self, source: Rests) -> None:
        """Raise `ForkedProcess` in a child that cannot use a file."""
        if self._inherited and source.file() in self._inherited:
            raise ForkedProcess(REFUSAL)

    def close(self) -> None:
        """Before a fork: wait for the transactions of other threads, and close all that is open."""
        if not self.sources:
            return
        me = threading.get_ident()
        with self._condition:
            self._forks += 1
            self._condition.wait_for(lambda: not self._holders.keys() - {me}, REST_SECONDS)
            self._clean = not self._holders
            if self._clean:
                for source in list(self.sources):
                    source.rest()

    def open(self) -> None:
        """After it, in the parent."""
        with self._condition:
            self._forks = max(0, self._forks - 1)
            self._condition.notify_all()

    def begin(self) -> None:
        """After it, in the child, which has none of the threads."""
        if not self._clean:
            self._inherited |= {found for source in self.sources if (found := source.file())}
        self._renew()


def path_of(path: str) -> str:
    """Return the path in what SQLite takes for one, which may be a URI."""
    return urlsplit(path).path if path.startswith("file:") else path


def file_of(path: str) -> File | None:
    """Return what a file is known by to SQLite; None for one that is not there, or in memory."""
    try:
        found = Path(path_of(path)).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


gate = Gate()
os.register_at_fork(before=gate.close, after_in_parent=gate.open, after_in_child=gate.begin)
