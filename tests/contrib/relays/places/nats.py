"""A subject of NATS, kept by a stream of its own."""

from __future__ import annotations

import asyncio
from typing import Any

import nats

from outbox.contrib.relays import NatsRelay, Relay
from tests.contrib.relays.places.place import Arrival, Place


class NatsPlace(Place):
    """The stream has the subject's name, and keeps it on disk."""

    kind = "nats"

    def create(self) -> None:
        self._next = 1
        self.declare(self.topic)

    def declare(self, name: str, **settings: Any) -> None:
        asyncio.run(self._declare(name, settings))

    def read(self) -> list[Arrival]:
        return asyncio.run(self._read())

    async def _declare(self, name: str, settings: dict[str, Any]) -> None:
        client = await nats.connect(self.broker.url)
        await client.jetstream().add_stream(name=name, subjects=[name], **settings)
        await client.close()

    async def _read(self) -> list[Arrival]:
        client = await nats.connect(self.broker.url)
        stream = client.jetstream()
        found = []
        last = (await stream.stream_info(self.topic)).state.last_seq
        while self._next <= last:
            message = await stream.get_msg(self.topic, self._next)
            headers = message.headers or {}
            found.append(Arrival(headers.get("outbox-key"), message.data or b"", headers))
            self._next += 1
        await client.close()
        return found

    @staticmethod
    def new_relay(url: str, topic: str, **options: Any) -> Relay:
        return NatsRelay(url, subject=topic, **options)
