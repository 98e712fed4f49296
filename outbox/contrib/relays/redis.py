"""Relay to Redis Streams, over redis-py."""

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
from outbox.errors import ConfigurationError


class RedisRelay(Relay):
    """Append to Redis Streams, one stream for each partition: ``orders:0``, ``orders:1``, and so on.

    ``url`` is what redis-py takes. The stream's name is ``stream`` (the queue's name unless it or ``route``
    says otherwise), a colon and the partition's index. An entry has the fields ``body``, ``content-type``
    and the headers. Its id is epoch and sequence number, so Redis
    itself refuses what it has already, and a message that is sent twice is in the stream once. A stream
    therefore belongs to one partition of one outbox: one that holds anything else is refused, and the error
    says so.

    ``maxlen`` trims the streams to about as many entries. A Redis that is away, full or loading counts as no
    attempt. What Redis promises to keep is a matter of its own configuration (``appendfsync``, replicas).
    """

    one_of_each_key: ClassVar[bool] = False  # a script appends in order and stops at the first failure
    # The script holds up every other client of the server while it runs: some milliseconds.
    wave_size: ClassVar[int] = 500

    def __init__(
        self,
        url: str,
        *,
        stream: str | None = None,
        maxlen: int | None = None,
        envelope: Envelope | None = None,
        route: Router | None = None,
        timeout: float | timedelta = DEFAULT_TIMEOUT,
    ) -> None:
        """Check the options; nothing is opened before the first message."""
        super().__init__(stream, envelope=envelope, route=route, timeout=timeout)
        import_library("redis", "redis")
        if maxlen is not None and maxlen < 1:
            raise ConfigurationError("maxlen", maxlen, "give at least 1, or None to keep everything")
        self._url = url
        self._maxlen = maxlen
        self._sessions = SessionPool(self._open)

    def close(self) -> None:
        """Close the connections."""
        self._sessions.close()

    def _open(self, deadline: Deadline) -> Any:
        from outbox.contrib.relays.redis_session import RedisSession

        return RedisSession(self._url, self._maxlen, deadline)

    def _send(self, wave: Sequence[Outgoing], deadline: Deadline) -> Sequence[Answer]:
        with self._sessions.acquire(deadline, lambda session: session.patient_for(deadline)) as session:
            answers: list[Answer] = session.append(wave, deadline)
        return answers
