"""The shape of every relay: a batch handler that sends in order and finishes what was confirmed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from itertools import islice
from typing import ClassVar

from outbox.clock import Deadline
from outbox.contrib.relays.answers import Answer, BrokerAway, Confirmed, Failed, Refused, Unclear
from outbox.contrib.relays.envelopes import Envelope, Raw
from outbox.contrib.relays.outgoing import Outgoing, Route, Router, identify, route_of
from outbox.handlers.batch import Batch
from outbox.values.durations import seconds
from outbox.values.message import OutboxMessage
from outbox.values.results import Retry

# Ten seconds are long for a broker in the same building, and a third of the usual lease.
DEFAULT_TIMEOUT = 10.0
DEFAULT_ROUTE = Route()


class Relay(ABC):
    """Send every message to a broker: give it to ``leased_batch``.

    Sends in waves. Between the waves the confirmed prefix is marked as finished; the first message that
    was not confirmed ends the call, and it and all behind it are delivered again. A relay waits for a
    broker until the cancel point of the lease and never longer than ``timeout`` seconds, and leaves
    nothing behind in the client that could still be sent after that.

    Any thread may call it; `close` it when no worker uses it any more.
    """

    one_of_each_key: ClassVar[bool] = True
    """Whether a wave may hold only one message of a key, because the client does not keep their order."""

    types_in_headers: ClassVar[bool] = False
    """Whether the broker's messages have no content type of their own, so that a header says it."""

    has_keys: ClassVar[bool] = False
    """Whether the broker's messages have a key of their own; else a header says it."""

    wave_size: ClassVar[int] = 100
    """The messages of a wave."""

    attribute_prefix: ClassVar[str] = "ce_"
    """What the broker's binding of CloudEvents puts before the names of attributes in headers."""

    def __init__(
        self,
        topic: str | None,
        *,
        envelope: Envelope | None = None,
        route: Router | None = None,
        timeout: float | timedelta = DEFAULT_TIMEOUT,
    ) -> None:
        self._topic = topic
        self._envelope = envelope or Raw()
        self._route = route
        self._timeout = seconds(timeout, option="timeout", positive=True)

    def __call__(self, batch: Batch) -> Retry | None:
        """Send the batch; what is marked on it afterwards has been confirmed."""
        batch.ack_chunk(0)  # only what is marked is finished
        size = self.wave_size
        while not batch.cancelled and (wave := self._next_wave(batch, size)):
            last = settle(batch, self._answers(wave, Deadline.after(min(self._timeout, batch.remaining()))))
            if isinstance(last, Failed):
                return Retry(last.reason, delay=last.delay, counts=last.counts)
            if isinstance(last, Unclear):
                size = 1
        return None

    @abstractmethod
    def close(self) -> None:
        """Close the connections. Idempotent; a relay that is called again opens new ones."""

    def prepare(self, message: OutboxMessage) -> Outgoing:
        """Return what is sent for a message: its route, envelope and headers."""
        route = route_of(self._route, message) if self._route else DEFAULT_ROUTE
        key = message.key if route.key is None else route.key
        body, content_type, of_envelope, attributes = self._envelope.wrap(message, key)
        headers = {**message.headers, **route.headers, **of_envelope}
        for name, value in attributes.items():
            headers[f"{self.attribute_prefix}{name}"] = value
        if self.types_in_headers:
            headers["content-type"] = content_type
        headers.update(identify(message, None if self.has_keys else key))
        topic = route.topic or self._topic or message.queue
        return Outgoing(topic, key, body, content_type, headers, message)

    def _answers(self, wave: Sequence[Outgoing], deadline: Deadline) -> Sequence[Answer]:
        try:
            return self._send(wave, deadline)
        except BrokerAway as away:
            return [Failed(str(away))]

    @abstractmethod
    def _send(self, wave: Sequence[Outgoing], deadline: Deadline) -> Sequence[Answer]:
        """Send the wave in order and return the answers in its order, before the deadline.

        After the first answer that is not `Confirmed` or `Refused` the rest may be left out.
        """

    def _next_wave(self, batch: Batch, size: int) -> list[Outgoing]:
        wave: list[Outgoing] = []
        met = set()
        for message in islice(batch.messages, batch.processed, batch.processed + size):
            try:
                outgoing = self.prepare(message)
            except Exception:
                if wave:
                    break  # its turn comes when all before it is finished, and then it is the culprit
                raise
            if self.one_of_each_key:
                if outgoing.sequence in met:
                    break
                met.add(outgoing.sequence)
            wave.append(outgoing)
        return wave


def settle(batch: Batch, answers: Sequence[Answer]) -> Answer | None:
    """Mark what was answered for good, in order; return the answer that ended it, if one did."""
    confirmed = 0
    for answer in answers:
        if isinstance(answer, Confirmed):
            confirmed += 1
            continue
        mark(batch, confirmed)
        confirmed = 0
        if not isinstance(answer, Refused):
            return answer
        batch.next_msg()
        batch.reject(answer.reason)
    mark(batch, confirmed)
    return None


def mark(batch: Batch, confirmed: int) -> None:
    """Finish confirmed messages at once: one by one they would cost as much as sending them."""
    if confirmed:
        batch.next_chunk(confirmed)
        batch.ack_chunk(confirmed)
