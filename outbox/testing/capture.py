"""See what was enqueued inside a block, whatever becomes of its transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from outbox.enqueue.prepared_message import PreparedMessage
from outbox.facade.outbox import Outbox
from outbox.facade.registry import RegisteredQueue
from outbox.values.headers import decode_headers
from outbox.values.keys import key_text


class Anything:
    """Equal to everything: what was not asked for."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "..."


ANYTHING: Any = Anything()


@dataclass(frozen=True)
class SentMessage:
    """A message that was enqueued inside a `capture`."""

    id: int
    queue: str
    partition: int
    key: str | None
    payload: bytes
    payload_type: str
    headers: Mapping[str, str]

    def json(self) -> Any:
        """Parse the payload as JSON; raises `ValueError` if it is none."""
        return json.loads(self.payload)

    def carries(self, payload: Any) -> bool:
        """Tell whether this is its payload: bytes as they are, everything else as JSON."""
        if payload is ANYTHING or isinstance(payload, bytes):
            return bool(payload == self.payload)
        try:
            return bool(payload == self.json())
        except ValueError:
            return False

    def __str__(self) -> str:
        key = "" if self.key is None else f" key={self.key!r}"
        return f"{self.queue}{key} payload={self.payload.decode(errors='replace')}"


class Sent:
    """The messages that were enqueued inside a `capture`, oldest first; a sequence of `SentMessage`."""

    def __init__(self) -> None:
        self.messages: list[SentMessage] = []

    def __call__(
        self, queue: RegisteredQueue, written: Sequence[PreparedMessage], ids: Sequence[int]
    ) -> None:
        """Note what was written; called by the outbox."""
        indexes = {partition_id: index for index, partition_id in enumerate(queue.partition_ids)}
        for message_id, message in zip(ids, written, strict=True):
            self.messages.append(
                SentMessage(
                    message_id,
                    queue.name,
                    indexes[message.partition_id],
                    message.message_key,
                    message.payload,
                    message.payload_type,
                    decode_headers(message.headers),
                )
            )

    def __len__(self) -> int:
        return len(self.messages)

    def __iter__(self) -> Iterator[SentMessage]:
        return iter(self.messages)

    def __getitem__(self, index: int) -> SentMessage:
        return self.messages[index]

    def matching(
        self,
        queue: str,
        *,
        payload: Any = ANYTHING,
        key: str | bytes | None = ANYTHING,
        payload_type: str = ANYTHING,
        headers: Any = ANYTHING,
    ) -> list[SentMessage]:
        """Return the messages that have all of what is given; see `including` for parts of a payload."""
        wanted_key = key if key is ANYTHING else key_text(key)
        return [
            message
            for message in self.messages
            if message.queue == queue
            and message.carries(payload)
            and wanted_key == message.key
            and payload_type == message.payload_type
            and headers == message.headers
        ]

    def assert_enqueued(self, queue: str, *, count: int | None = None, **wanted: Any) -> SentMessage:
        """Return the first message that `matching` finds; raise `AssertionError`, which lists all, for none.

        With ``count`` that is the number that there has to be.
        """
        found = self.matching(queue, **wanted)
        if not found or (count is not None and len(found) != count):
            number = "no" if not found else f"{len(found)} instead of {count}"
            raise AssertionError(f"{number} message of {self._describe(queue, wanted)}; {self._all()}")
        return found[0]

    def refute_enqueued(self, queue: str, **wanted: Any) -> None:
        """Raise `AssertionError` for a message that `matching` finds."""
        if found := self.matching(queue, **wanted):
            raise AssertionError(f"{self._describe(queue, wanted)} was enqueued: {found[0]}; {self._all()}")

    @staticmethod
    def _describe(queue: str, wanted: Mapping[str, Any]) -> str:
        parts = [f" {name}={value!r}" for name, value in wanted.items()]
        return f"queue {queue!r}{''.join(parts)}"

    def _all(self) -> str:
        if not self.messages:
            return "nothing was enqueued"
        return "enqueued were:\n  " + "\n  ".join(map(str, self.messages))


@contextmanager
def capture(outbox: Outbox) -> Iterator[Sent]:
    """Note every message that is enqueued through ``outbox`` inside the block, in any thread.

    A message counts when it is written, although its transaction may be rolled back later, as a test's is.
    """
    sent = Sent()
    with outbox._writing.noting(sent):  # noqa: SLF001 - not for users: they observe what is committed
        yield sent
