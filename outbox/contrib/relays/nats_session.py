"""One connection to NATS that publishes waves to JetStream and waits for their acknowledgements."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import nats
from nats.errors import BadSubjectError, MaxPayloadError
from nats.js.errors import APIError, NoStreamResponseError

from outbox.clock import Deadline, monotonic
from outbox.contrib.relays.answers import CONFIRMED, Answer, BrokerAway, Failed, Refused
from outbox.contrib.relays.outgoing import Outgoing, visible

log = logging.getLogger("outbox.relays.nats")

# The server's pings are answered only while `publish` waits, and it gives up after some minutes.
MOST_IDLE = 30.0
# Seconds that a close may take before the connection is cut: nothing is unconfirmed any more.
CLOSE_SECONDS = 1.0


class NatsSession:
    """A connection whose event loop runs in the calling thread, and only while it waits.

    It never reconnects by itself: nats-py keeps what was published meanwhile and sends it whenever the
    server is back, which may be long after the lease is lost.
    """

    def __init__(self, url: str, deadline: Deadline) -> None:
        """Connect; raises `BrokerAway`."""
        self._failed = False
        self._idle_since = monotonic()
        self._client: Any = None
        self._loop = asyncio.new_event_loop()
        try:
            self._client = self._loop.run_until_complete(
                asyncio.wait_for(self._connect(url, deadline), deadline.remaining())
            )
        except Exception as error:
            self.close()
            raise BrokerAway(f"NATS cannot be reached: {error!r}") from error

    def usable(self) -> bool:
        """Whether it is open, which it looks at anew, and was used a short while ago."""
        if self._failed or monotonic() - self._idle_since >= MOST_IDLE:
            return False
        self._loop.run_until_complete(asyncio.sleep(0))
        return bool(self._client.is_connected)

    def publish(self, wave: Sequence[Outgoing], deadline: Deadline) -> list[Answer]:
        """Publish every message and return the answers, in order."""
        answers = self._loop.run_until_complete(self._publish_all(wave, deadline))
        self._failed = any(isinstance(answer, Failed) for answer in answers)
        self._idle_since = monotonic()
        return answers

    def close(self) -> None:
        """Say goodbye if all is well, else cut the connection; then end the loop."""
        if self._loop.is_closed():
            return
        try:
            self._loop.run_until_complete(asyncio.wait_for(self._leave(), CLOSE_SECONDS))
        except Exception as error:
            log.debug("left NATS without a goodbye: %r", error)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _connect(self, url: str, deadline: Deadline) -> Any:
        return await nats.connect(
            url,
            allow_reconnect=False,
            connect_timeout=max(1, int(deadline.remaining())),
            error_cb=_note,
        )

    async def _publish_all(self, wave: Sequence[Outgoing], deadline: Deadline) -> list[Answer]:
        stream = self._client.jetstream()
        return list(await asyncio.gather(*(publish(stream, outgoing, deadline) for outgoing in wave)))

    async def _leave(self) -> None:
        if self._client is None:
            return
        if self._failed:
            # close() would send what is still buffered; nats-py has no other way to drop it.
            self._client._pending.clear()  # noqa: SLF001
            self._client._pending_data_size = 0  # noqa: SLF001
            writer = getattr(self._client._transport, "_io_writer", None)  # noqa: SLF001
            if writer is not None:
                writer.transport.abort()
        await self._client.close()


async def publish(stream: Any, outgoing: Outgoing, deadline: Deadline) -> Answer:
    """Publish one message and return the answer."""
    headers = {name: visible(value) for name, value in outgoing.headers.items()}
    headers |= {"Nats-Msg-Id": outgoing.message.uid, "content-type": outgoing.content_type}
    try:
        # A duplicate is acknowledged like a new one: the stream has it.
        await stream.publish(outgoing.topic, outgoing.body, timeout=deadline.remaining(), headers=headers)
    except MaxPayloadError as error:
        return Refused(f"NATS takes no message as large as this: {error}")
    except (NoStreamResponseError, BadSubjectError) as error:
        return Failed(f"no stream takes the subject {outgoing.topic}: {error!r}", counts=True)
    except APIError as error:
        return Failed(f"JetStream did not take it: {error}")
    except Exception as error:
        return Failed(f"NATS did not confirm: {error!r}")
    return CONFIRMED


async def _note(error: Exception) -> None:
    log.debug("NATS: %r", error)
