"""Collect the partitions that each thread enqueued to; wake workers, and tell observers, on flush."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from outbox.events import Event
from outbox.runtime.observers import Observers
from outbox.wakeups.notifier import Notifier
from outbox.wakeups.stages import StageWakeups

# A thread that never flushes must not collect events for ever: the oldest go first.
MOST_EVENTS = 10_000


class Marks:
    """The partitions that one thread has written to since its last flush. Thread-safe.

    And the events of what it wrote in transactions of which nothing tells when they are committed.

    ``flush`` passes them on, from whichever thread: the one that commits may be another one.
    """

    __slots__ = ("_ids", "_lock", "events", "flush", "own_transaction", "thread")

    def __init__(self, pass_on: Callable[[set[int]], None], *, own_transaction: bool = False) -> None:
        self.thread = threading.current_thread()
        # One object a thread, so that a transaction calls it once however many messages it has.
        self.flush = partial(_flush, self, pass_on)
        self._lock = threading.Lock()
        self._ids: set[int] = set()
        self.events: deque[Event] = deque(maxlen=MOST_EVENTS)
        self.own_transaction = own_transaction

    def add(self, partition_ids: Iterable[int]) -> None:
        """Remember partitions."""
        with self._lock:
            self._ids.update(partition_ids)

    def take(self) -> set[int]:
        """Return the partitions, and forget them."""
        with self._lock:
            ids, self._ids = self._ids, set()
            return ids

    def peek(self) -> set[int]:
        """Return the partitions, which stay remembered."""
        with self._lock:
            return set(self._ids)


def _flush(marks: Marks, pass_on: Callable[[set[int]], None]) -> None:
    pass_on(marks.take())


class ThreadMarks(threading.local):
    """This thread's marks; made when it enqueues for the first time."""

    def __init__(self, begin: Callable[[], Marks]) -> None:
        self.marks = begin()


class FlushBuffer:
    """Remembers what each thread enqueued since its last flush, and passes it on when it flushes."""

    def __init__(
        self, stages: StageWakeups | None, notifier: Notifier | None, observers: Observers | None = None
    ) -> None:
        self._stages = stages
        self._notifier = notifier
        self.observers = observers or Observers()
        self._lock = threading.Lock()
        self._everyone: list[Marks] = []
        self._noted = ThreadMarks(self._begin)

    def note(self, partition_ids: Iterable[int]) -> None:
        """Remember partitions this thread has written to, in a transaction that is still open."""
        self._noted.marks.add(partition_ids)

    @property
    def on_commit(self) -> Callable[[], None]:
        """What is to be called after the commit of what this thread has noted, by any thread."""
        return self._noted.marks.flush

    def tell_committed(self, event: Event, on_commit: Callable[[Callable[[], object]], bool] | None) -> None:
        """Tell of what this thread has written once its transaction is committed.

        ``on_commit`` arranges for a call after that commit, and returns False if it cannot: then the
        thread's next `flush` stands for it. None says that it is committed already.
        """
        marks = self._noted.marks
        if on_commit is None:
            self.observers.tell(event)
        elif marks.own_transaction or not on_commit(partial(self.observers.tell, event)):
            marks.events.append(event)

    @contextmanager
    def own_transaction(self) -> Iterator[None]:
        """Let a flush inside the block say nothing of what this thread has noted before it.

        For a transaction of the outbox's own, which is over when the block ends. Left without a flush, it
        was rolled back, and what was noted inside is forgotten.
        """
        before, self._noted.marks = self._noted.marks, Marks(self.committed, own_transaction=True)
        try:
            yield
        finally:
            self._noted.marks = before

    def flush(self) -> None:
        """The transactions of this thread are committed: wake who serves these partitions.

        A thread that has enqueued nothing since its last flush speaks for the others: one of them
        enqueued, and this one commits. What those have noted stays noted, since it may be not all
        committed; they do not pay for it, and are not woken for twice unless threads flush so.
        """
        marks = self._noted.marks
        self.committed(marks.take() or self._of_others())
        while marks.events:
            self.observers.tell(marks.events.popleft())

    def committed(self, partition_ids: set[int]) -> None:
        """Wake who serves these partitions; what threads have noted stays noted."""
        if not partition_ids:
            return
        elsewhere = partition_ids
        if self._stages is not None:
            self._stages.enqueued(partition_ids)
            elsewhere = partition_ids - self._stages.consumed
        # What this process consumes it sequences at once, and its sequencer announces the rest.
        if self._notifier is not None and elsewhere:
            self._notifier.send(elsewhere)

    def _begin(self) -> Marks:
        """Begin the marks of a thread, and take over those of threads that have ended."""
        mine = Marks(self.committed)
        with self._lock:
            ended = [marks for marks in self._everyone if not marks.thread.is_alive()]
            self._everyone = [marks for marks in self._everyone if marks.thread.is_alive()]
            self._everyone.append(mine)
        for marks in ended:
            # Their threads cannot flush any more: as if this thread had noted it.
            mine.add(marks.take())
            mine.events.extend(marks.events)
        return mine

    def _of_others(self) -> set[int]:
        with self._lock:
            return set().union(*(marks.peek() for marks in self._everyone))
