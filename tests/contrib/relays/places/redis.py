"""A stream of Redis."""

from __future__ import annotations

from typing import Any

import redis

from outbox.contrib.relays import RedisRelay, Relay
from tests.contrib.relays.places.place import Arrival, Place


class RedisPlace(Place):
    """The streams of the topic, partition after partition."""

    kind = "redis"

    def create(self) -> None:
        """Nothing to do: the first message creates the stream."""
        self._last: dict[str, str] = {}

    def read(self) -> list[Arrival]:
        found = []
        with redis.Redis.from_url(self.broker.url, decode_responses=True) as client:
            for stream in sorted(client.scan_iter(f"{self.topic}:*")):
                start = f"({self._last[stream]}" if stream in self._last else "-"
                for id_, fields in client.xrange(stream, start):
                    self._last[stream] = id_
                    found.append(Arrival(fields.get("outbox-key"), fields["body"].encode(), fields))
        return found

    @staticmethod
    def new_relay(url: str, topic: str, **options: Any) -> Relay:
        return RedisRelay(url, stream=topic, **options)
