"""One connection to RabbitMQ that publishes waves and waits for their confirms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pika
from pika.adapters.select_connection import IOLoop
from pika.exceptions import (
    ChannelClosedByBroker,
    ShortStringTooLong,
    StreamLostError,
    UnsupportedAMQPFieldException,
)

from outbox.clock import Deadline, monotonic
from outbox.contrib.relays.answers import CONFIRMED, Answer, BrokerAway, Failed, Refused, Unclear
from outbox.contrib.relays.outgoing import Outgoing

# Nothing sends heartbeats between two batches. RabbitMQ gives up after two minutes by default, and a firewall
# may forget a connection without a word; a new one takes some milliseconds.
MOST_IDLE = 30.0
# Seconds that a close may take before the connection is cut: nothing is unconfirmed any more.
CLOSE_SECONDS = 1.0
PERSISTENT = 2  # AMQP's delivery mode that survives a restart of the broker
# Replies that close a channel because of what one message is, not because of where it goes.
PRECONDITION_FAILED = 406
NACK = "RabbitMQ did not take it (nack), as a full queue does"


class RabbitmqSession:
    """A connection with one channel in confirm mode, driven by the thread that calls it.

    Its loop runs only while `publish` waits, so it needs no thread of its own and no lock, and a
    time-out is exact: the asynchronous connection is what pika can be told to stop waiting on.
    """

    def __init__(self, parameters: Any, exchange: str, deadline: Deadline) -> None:
        """Connect; raises `BrokerAway` when that fails or the deadline passes."""
        self._exchange = exchange
        self._loop = IOLoop()
        self._channel: Any = None
        self._ready = False
        self._closed = False
        self._end: Answer | None = None
        self._sent = 0
        self._open: dict[int, tuple[int, str]] = {}  # by delivery tag: position in the wave, message id
        self._returned: dict[str, str] = {}
        self._answers: list[Answer | None] = []
        self._connection = pika.SelectConnection(
            parameters,
            on_open_callback=self._on_open,
            on_open_error_callback=self._on_lost,
            on_close_callback=self._on_lost,
            custom_ioloop=self._loop,
        )
        self._idle_since = monotonic()
        self._connect(deadline, f"{parameters.host}:{parameters.port}")

    def usable(self) -> bool:
        """Whether it is open, which it looks at anew, and was used a short while ago."""
        if self._end is None:
            self._run(Deadline.after(0.0), lambda: False)
        return self._end is None and monotonic() - self._idle_since < MOST_IDLE

    def _connect(self, deadline: Deadline, place: str) -> None:
        self._run(deadline, lambda: self._ready)
        if not self._ready:
            problem = self._end.reason if isinstance(self._end, Failed) else "it did not answer in time"
            self.close()
            raise BrokerAway(f"RabbitMQ at {place} cannot be reached: {problem}")

    def publish(self, wave: Sequence[Outgoing], deadline: Deadline) -> list[Answer]:
        """Publish every message and return the broker's answers, in order."""
        self._answers = [None] * len(wave)
        for position, outgoing in enumerate(wave):
            self._publish(position, outgoing)
        self._run(deadline, lambda: not self._open)
        missing = self._verdict_on_the_rest(len(wave)) if self._open else CONFIRMED
        if self._open and self._end is None:
            self._end = missing  # what is still in its buffers must never be sent
        self._open.clear()
        self._returned.clear()
        self._idle_since = monotonic()
        return [missing if answer is None else answer for answer in self._answers]

    def close(self) -> None:
        """Say goodbye if there is anything to say goodbye to, then cut the connection."""
        if self._closed and self._connection is None:
            return
        if self._ready and self._end is None:
            self._connection.close()
            self._run(Deadline.after(CLOSE_SECONDS), lambda: self._closed)
        if not self._closed:
            # pika's own close() waits for the broker and flushes what is buffered: a message whose lease is
            # lost could leave after it. Only this drops both; it exists in every release from 1.0 on.
            self._connection._terminate_stream(StreamLostError("cut"))  # noqa: SLF001
            self._run(Deadline.after(CLOSE_SECONDS), lambda: self._closed, even_after_the_end=True)
        self._connection = None
        self._loop.close()

    def _publish(self, position: int, outgoing: Outgoing) -> None:
        message = outgoing.message
        properties = pika.BasicProperties(
            content_type=outgoing.content_type,
            delivery_mode=PERSISTENT,
            headers=dict(outgoing.headers),
            message_id=message.uid,
            timestamp=int(message.created_at.timestamp()),
        )
        try:
            self._channel.basic_publish(
                self._exchange, outgoing.topic, outgoing.body, properties, mandatory=True
            )
        except (ShortStringTooLong, UnsupportedAMQPFieldException) as error:
            # Found while it was encoded: nothing was sent.
            self._answers[position] = Refused(f"AMQP cannot carry it: {error!r}")
            return
        self._sent += 1
        self._open[self._sent] = position, message.uid

    def _verdict_on_the_rest(self, wave_size: int) -> Answer:
        if self._end is None:
            return Failed("RabbitMQ did not confirm in time")
        if isinstance(self._end, Unclear) and wave_size == 1:
            return Refused(self._end.reason)
        return self._end

    def _run(self, deadline: Deadline, done: Callable[[], bool], *, even_after_the_end: bool = False) -> None:
        """Let the loop work, at least once, until it is done or the end or the deadline comes."""
        first = True
        while first or not (done() or deadline.passed or (self._end is not None and not even_after_the_end)):
            first = False
            timer = self._loop.call_later(deadline.remaining(), self._loop.stop)
            self._loop.start()
            self._loop.remove_timeout(timer)

    def _finish(self, end: Answer) -> None:
        self._end = self._end or end
        self._loop.stop()

    def _on_open(self, connection: Any) -> None:
        connection.add_on_connection_blocked_callback(self._on_blocked)
        connection.channel(on_open_callback=self._on_channel)

    def _on_channel(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_close_callback(self._on_channel_closed)
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_confirm, callback=self._on_ready)

    def _on_ready(self, _: Any) -> None:
        self._ready = True
        self._loop.stop()

    def _on_lost(self, _: Any, error: BaseException) -> None:
        self._closed = True
        self._finish(Failed(f"the connection to RabbitMQ was lost: {error!r}"))

    def _on_blocked(self, _: Any, method: Any) -> None:
        self._finish(Failed(f"RabbitMQ accepts no messages now: {method.method.reason}"))

    def _on_channel_closed(self, _: Any, error: Exception) -> None:
        if not isinstance(error, ChannelClosedByBroker):
            self._finish(Failed(f"the channel to RabbitMQ was closed: {error!r}"))
        elif error.reply_code == PRECONDITION_FAILED:
            self._finish(Unclear(f"RabbitMQ refuses it: {error.reply_text}"))
        else:
            self._finish(Failed(f"RabbitMQ refuses it: {error.reply_text}", counts=True))

    def _on_return(self, _: Any, method: Any, properties: Any, __: bytes) -> None:
        self._returned[properties.message_id] = method.reply_text

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        acknowledged = isinstance(method, pika.spec.Basic.Ack)
        last = method.delivery_tag
        for tag in [tag for tag in self._open if tag == last or (method.multiple and tag < last)]:
            position, uid = self._open.pop(tag)
            self._answers[position] = self._confirmed(uid) if acknowledged else Failed(NACK)
        if not self._open:
            self._loop.stop()

    def _confirmed(self, uid: str) -> Answer:
        """Return what a confirm means: a message that was returned before it is in no queue."""
        problem = self._returned.pop(uid, None)
        return CONFIRMED if problem is None else Failed(f"no queue takes it: {problem}", counts=True)
