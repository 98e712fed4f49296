"""Relay to NATS JetStream, over nats-py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from outbox.clock import Deadline
from outbox.contrib.relays.answers import Answer
from outbox.contrib.relays.envelopes import Envelope
from outbox.contrib.relays.imports import import_library
from outbox.contrib.relays.outgoing import Outgoing, Router
from outbox.contrib.relays.pool import SessionPool
from outbox.contrib.relays.relay import DEFAULT_TIMEOUT, Relay


class NatsRelay(Relay):
    """Publish to NATS JetStream, each message confirmed by the stream that took it.

    ``url`` is the address of a server. The topic is the subject: the queue's name unless ``subject`` or
    ``route`` says otherwise. `OutboxMessage.uid` goes along as ``Nats-Msg-Id``, so that a stream
    drops what it got already within its duplicate window (two minutes unless configured), and that counts as
    sent. A stream must take the subject: a message that none takes is tried again, and counts towards
    ``max_attempts``.
    """

    attribute_prefix: ClassVar[str] = "ce-"

    def __init__(
        self,
        url: str,
        *,
        subject: str | None = None,
        envelope: Envelope | None = None,
        route: Router | None = None,
        timeout: float | timedelta = DEFAULT_TIMEOUT,
    ) -> None:
        """Remember the address; nothing is opened before the first message."""
        super().__init__(subject, envelope=envelope, route=route, timeout=timeout)
        import_library("nats", "nats")
        self._url = url
        self._sessions = SessionPool(self._open)

    def close(self) -> None:
        """Close the connections."""
        self._sessions.close()

    def _open(self, deadline: Deadline) -> Any:
        from outbox.contrib.relays.nats_session import NatsSession

        return NatsSession(self._url, deadline)

    def _send(self, wave: Sequence[Outgoing], deadline: Deadline) -> Sequence[Answer]:
        with self._sessions.acquire(deadline) as session:
            answers: list[Answer] = session.publish(wave, deadline)
        return answers
