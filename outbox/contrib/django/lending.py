"""Django's connection of the current thread, in the hands of the outbox for a statement or a transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from django.db import connections, transaction
from django.db.utils import Error

from outbox.backends.wrapping import underneath
from outbox.clock import monotonic
from outbox.connections.after_commit import quietly
from outbox.errors import DatabaseError

# After this many seconds without use a connection is asked whether it still lives: less than servers and
# balancers let a quiet one be, and more than a worker's poll rests.
TRUSTED_FOR = 30.0
USED_AT = "outbox_used_at"

SPOILED = (
    "the transaction cannot be committed: an atomic block in it failed and the code went on as if not, or "
    "it closed the connection; let the error through, or leave connections to Django"
)


NO_AUTOCOMMIT = "autocommit is off, while the outbox ends its own transactions; leave AUTOCOMMIT at True"


def check_sound(wrapper: Any) -> None:
    """Raise `DatabaseError` when Django would end the open transaction with a rollback, and no error."""
    if wrapper.needs_rollback or wrapper.closed_in_transaction:
        raise DatabaseError(SPOILED)


class Lending:
    """Lends ``connections[alias]`` of the calling thread; one object serves all threads.

    What runs inside an ``atomic`` block of the caller's, as in a ``TestCase``, runs behind a savepoint of it.
    """

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._lock = threading.Lock()
        # Threads that ended leave their connections open: no other thread has them, and Django does not look.
        self._lent: dict[threading.Thread, Any] = {}

    @property
    def wrapper(self) -> Any:
        """Django's connection of this thread."""
        return connections[self.alias]

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """Lend it for statements that each stand for themselves."""
        wrapper = self.ready()
        if wrapper.in_atomic_block:
            with self._atomic(wrapper, durable=False):
                yield wrapper
        else:
            with self._looked_after(wrapper):
                yield wrapper

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[Any]:
        """Lend it in a transaction, which commits at a clean exit and else rolls back.

        ``durable`` refuses to be a part of the caller's transaction, but for that of a ``TestCase``. The
        driver's own errors come out, not Django's.
        """
        wrapper = self.ready()
        if not wrapper.in_atomic_block and not wrapper.get_autocommit():
            raise DatabaseError(f"Django's connection {self.alias!r}: {NO_AUTOCOMMIT}")
        with self._looked_after(wrapper), self._atomic(wrapper, durable=durable):
            yield wrapper

    def close(self) -> None:
        """Close the connections of threads that have ended."""
        with self._lock:
            ended = [thread for thread in self._lent if not thread.is_alive()]
            for wrapper in [self._lent.pop(thread) for thread in ended]:
                wrapper.inc_thread_sharing()
                with suppress(Error):
                    wrapper.close()

    def ready(self) -> Any:
        """Return Django's connection of this thread, connected."""
        wrapper = self.wrapper
        if wrapper.connection is not None and not wrapper.in_atomic_block:
            used_at = vars(wrapper).get(USED_AT)
            stale = used_at is not None and used_at < monotonic() - TRUSTED_FOR
            if stale and not wrapper.is_usable():
                wrapper.close()
        if wrapper.connection is None:
            with bare():
                wrapper.ensure_connection()
            self._remember(wrapper)
        vars(wrapper)[USED_AT] = monotonic()
        return wrapper

    def _remember(self, wrapper: Any) -> None:
        thread = threading.current_thread()
        if thread is not threading.main_thread():
            self.close()
            with self._lock:
                self._lent[thread] = wrapper

    @contextmanager
    def _looked_after(self, wrapper: Any) -> Iterator[None]:
        """Close the connection after an error that has ended it."""
        try:
            yield
        except Exception:
            if not wrapper.in_atomic_block and wrapper.connection is not None and not wrapper.is_usable():
                wrapper.close()
            raise

    @contextmanager
    def _atomic(self, wrapper: Any, *, durable: bool) -> Iterator[None]:
        block = transaction.atomic(using=self.alias, durable=durable)
        with bare():
            block.__enter__()
        try:
            yield
            check_sound(wrapper)
            if not wrapper.savepoint_ids:
                make_robust(wrapper)
        except BaseException as error:
            with bare():
                block.__exit__(type(error), error, error.__traceback__)
            raise
        with bare():
            block.__exit__(None, None, None)


def make_robust(wrapper: Any) -> None:
    """Let no callback of ``on_commit`` make the commit look failed: what is committed is committed."""
    wrapper.run_on_commit = [
        (savepoints, partial(quietly, callback), robust)
        for savepoints, callback, robust in wrapper.run_on_commit
    ]


@contextmanager
def bare() -> Iterator[None]:
    """Raise the driver's own error where Django raises one of its own from it."""
    try:
        yield
    except Error as error:
        raise underneath(error) from error


@contextmanager
def beginning(wrapper: Any, begin: Callable[[], object]) -> Iterator[None]:
    """Let the next transaction of an SQLite connection begin otherwise than Django would."""
    vars(wrapper)["_start_transaction_under_autocommit"] = begin
    try:
        yield
    finally:
        vars(wrapper).pop("_start_transaction_under_autocommit", None)
