"""A batch of messages, as a batch handler sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from outbox.clock import Deadline
from outbox.errors import BatchError
from outbox.values.message import OutboxMessage
from outbox.values.readable import count as shown
from outbox.values.reasons import clean_reason


class Batch:
    """Messages of one partition, in order, and the marks a handler makes on them.

    Take messages by iterating, with `next_msg` or with `next_chunk`; mark them in the same order with
    `ack`, `ack_chunk` or `reject`. A handler that returns without one mark has finished the whole
    batch, whatever it took; one that made a mark has finished exactly the marked prefix, and the rest
    is delivered again. So a handler that may stop early, say because the batch is `cancelled`, must
    mark what it finished.

    Not thread-safe: use it from the thread the handler was called in.
    """

    def __init__(
        self, messages: Sequence[OutboxMessage], deadline: Deadline, stop: Callable[[], bool]
    ) -> None:
        """Wrap ``messages``; ``deadline`` is the lease's cancel point, ``stop`` tells of a shutdown."""
        self.messages = messages
        self.deadline = deadline
        self.stop = stop
        self.taken = 0
        self.marked = False
        self.rejected: list[tuple[int, str]] = []
        self._processed = 0

    def __len__(self) -> int:
        return len(self.messages)

    def __iter__(self) -> Iterator[OutboxMessage]:
        """Take the messages one after the other, from wherever the last one was taken."""
        while (message := self.next_msg()) is not None:
            yield message

    def __repr__(self) -> str:
        return f"<Batch of {len(self)}: {self.taken} taken, {self.processed} processed>"

    @property
    def processed(self) -> int:
        """The length of the finished prefix: messages acknowledged or rejected."""
        return self._processed

    @property
    def cancelled(self) -> bool:
        """Whether to start no further message: the cancel point has come, or the outbox stops."""
        return self.stop() or self.deadline.passed

    def remaining(self) -> float:
        """Return the seconds until the lease's cancel point, never below zero."""
        return self.deadline.remaining()

    def next_msg(self) -> OutboxMessage | None:
        """Take the next message; None when all were taken."""
        if self.taken == len(self.messages):
            return None
        self.taken += 1
        return self.messages[self.taken - 1]

    def next_chunk(self, size: int) -> list[OutboxMessage]:
        """Take up to ``size`` messages; an empty list when all were taken. Raises `BatchError` below 1."""
        if size < 1:
            raise BatchError(f"cannot take a chunk of {shown(size, 'message')}; ask for at least 1")
        start = self.taken
        self.taken = min(start + size, len(self.messages))
        return list(self.messages[start : self.taken])

    def ack(self) -> None:
        """Mark the first message taken and not yet marked as finished; `BatchError` if there is none."""
        self.ack_chunk(1)

    def ack_chunk(self, count: int) -> None:
        """Mark the first ``count`` messages taken and not yet marked as finished.

        Zero is a mark too: it says that nothing is finished yet. Raises `BatchError`, and marks
        nothing, if fewer were taken.
        """
        open_messages = self.taken - self._processed
        if not 0 <= count <= open_messages:
            raise BatchError(
                f"cannot acknowledge {shown(count, 'message')}: {shown(open_messages, 'message')} taken "
                "and not yet marked; take what is marked first"
            )
        self.marked = True
        self._processed += count

    def reject(self, reason: object) -> None:
        """Send the message taken last to the dead letters, and go on.

        ``reason`` is kept as text of at most 2 000 characters. Raises `BatchError`, and marks nothing,
        unless exactly that one message is taken and not yet marked.
        """
        open_messages = self.taken - self._processed
        if open_messages != 1:
            raise BatchError(
                f"cannot reject: {shown(open_messages, 'message')} taken and not yet marked; "
                "take one, acknowledge those before it, then reject it"
            )
        self.rejected.append((self._processed, clean_reason(reason)))
        self.ack_chunk(1)
