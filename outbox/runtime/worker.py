"""A named thread that runs an action for ever."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from outbox.clock import Clock, Deadline, monotonic
from outbox.runtime.directive import Directive, Idle, Proceed, Sleep
from outbox.runtime.error_backoff import ErrorBackoff
from outbox.runtime.pacer import Pacer
from outbox.values.reasons import describe

JOIN_PART = 0.25
"""Seconds."""


def nothing(*_: object) -> None:
    """Stand in for what an action or an owner does not have."""


UNPROVEN_SECONDS = 6.0
"""Seconds after a failure in which a round that asked nothing of the database is no recovery: longer than the
longest pause between failures, so that an outage is one trouble and not as many as there are rounds."""


class Action(Protocol):
    """One round of work at a time, always called from the worker's own thread.

    Two further methods are used when the action has them: `next_due() -> float | None`, asked before
    each wait, is the absolute monotonic time at which work becomes due by itself; `close() -> None` is
    called once when the thread ends.
    """

    def run_once(self) -> Directive:
        """Look for work, do a bounded amount of it, and say when to come back."""
        ...


class Worker:
    """Wait, run a round, obey its directive; begin with Idle.

    Nothing that a round raises ends the thread, `SystemExit` and `KeyboardInterrupt` included: it is
    counted, told to `on_failure`, and the next round comes after the error_backoff's delay, which a
    stop interrupts and a wake does not. The thread ends when it was told to stop and its round has
    returned.

    A worker runs once. `start`, `stop` and `join` may be called in any order, any number of times and
    from any thread; a worker that was stopped first is never started.
    """

    def __init__(
        self,
        name: str,
        action: Action,
        pacer: Pacer,
        error_backoff: ErrorBackoff,
        *,
        logger: logging.Logger,
        on_failure: Callable[[str, BaseException, int, float], object] = nothing,
        on_recovery: Callable[[str, int, float], object] = nothing,
        clock: Clock = monotonic,
    ) -> None:
        self.name = name
        self._run_once = action.run_once
        self._next_due: Callable[[], float | None] = getattr(action, "next_due", nothing)
        self._close: Callable[[], object] = getattr(action, "close", nothing)
        self._pacer = pacer
        self._error_backoff = error_backoff
        self._logger = logger
        self._on_failure = on_failure
        self._on_recovery = on_recovery
        self._failed_at = 0.0
        self._failing_since = 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._busy_since: float | None = None
        self._last_error: str | None = None

    @property
    def alive(self) -> bool:
        """Whether the thread was started and has not ended."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def failures(self) -> int:
        """How many rounds have failed in a row."""
        return self._error_backoff.failures

    @property
    def busy_since(self) -> float | None:
        """When the current round began, as an absolute time of the clock; None between rounds."""
        return self._busy_since

    @property
    def last_error(self) -> str | None:
        """The latest failure as `TypeName: text`, also after a recovery; None when there was none."""
        return self._last_error

    def start(self) -> None:
        """Start the daemon thread, unless it was started or stopped before.

        Raises `RuntimeError` when the system has no thread to give; the worker may then be started
        again.
        """
        with self._lock:
            if self._thread is not None or self._pacer.stopping:
                return
            thread = threading.Thread(target=self._loop, name=self.name, daemon=True)
            thread.start()
            self._thread = thread

    def stop(self) -> None:
        """Tell the worker to end after its current round. Does not wait for it."""
        self._pacer.stop()

    def join(self, timeout: float | None = None) -> bool:
        """Wait at most `timeout` seconds for the thread to end; return whether it has or never was started.

        Called from the worker's own thread it returns False at once.
        """
        # Under the lock a start that is under way is seen as started.
        with self._lock:
            thread = self._thread
        if thread is None:
            return True
        if thread is threading.current_thread():
            return False
        join_in_parts(thread, Deadline.never() if timeout is None else Deadline.after(timeout))
        return not thread.is_alive()

    def _loop(self) -> None:
        directive: Directive = Idle()
        while not self._pacer.stopping:
            directive = self._turn(directive)
        self._guard(self._close)

    def _turn(self, directive: Directive) -> Directive:
        """Wait as told, run one round, and return the next directive; raise nothing."""
        try:
            self._pacer.wait(directive, until=self._next_due())
            if self._pacer.stopping:
                return directive
            self._busy_since = self._clock()
            directive = self._run_once()
        except BaseException as error:
            return self._failed(error)
        finally:
            self._busy_since = None
        if failures := self._error_backoff.failures:
            if isinstance(directive, Idle) and not directive.looked and self._failed_lately():
                return Sleep(UNPROVEN_SECONDS)
            self._error_backoff.succeeded()
            self._guard(self._on_recovery, self.name, failures, self._clock() - self._failing_since)
        return directive

    def _failed_lately(self) -> bool:
        return self._clock() - self._failed_at < UNPROVEN_SECONDS

    def _failed(self, error: BaseException) -> Directive:
        delay = self._error_backoff.failed()
        self._last_error = describe(error)
        self._failed_at = self._clock()
        if self._error_backoff.failures == 1:
            self._failing_since = self._clock()
        self._guard(self._on_failure, self.name, error, self._error_backoff.failures, delay)
        # A Proceed, because a wake must not cut the backoff short.
        return Proceed(pause=delay)

    def _guard(self, call: Callable[..., object], *args: object) -> None:
        """Call something that is not worth the thread's life."""
        try:
            call(*args)
        except BaseException:
            with suppress(Exception):  # a log filter may be what failed
                self._logger.exception("%s: %s failed", self.name, getattr(call, "__qualname__", call))


def join_in_parts(thread: threading.Thread, deadline: Deadline) -> None:
    """Wait for the end of a thread, or for the deadline, in parts.

    A signal does not end a wait of the main thread that is just about to begin, nor does one that the
    system delivers to another thread: the signal's handler runs after the wait.
    """
    while thread.is_alive() and not deadline.passed:
        thread.join(min(deadline.remaining(), JOIN_PART))
