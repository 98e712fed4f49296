"""A URL of an HTTP endpoint."""

from __future__ import annotations

import base64
import json
from typing import Any

from outbox.contrib.relays import Relay, WebhookRelay
from tests.contrib.relays.places.place import Arrival, Place


class WebhookPlace(Place):
    """The topic is the path of the URL."""

    kind = "webhook"

    def create(self) -> None:
        self._position = 0
        self.topic = f"{self.broker.url}/{self.topic}"

    def read(self) -> list[Arrival]:
        lines = self.broker.file.read_text().splitlines()
        found = []
        for line in lines[self._position :]:
            path, headers, body = json.loads(line)
            if self.topic.endswith(path):
                found.append(Arrival(headers.get("outbox-key"), base64.b64decode(body), headers))
        self._position = len(lines)
        return found

    @staticmethod
    def new_relay(url: str, topic: str, **options: Any) -> Relay:
        address = topic if topic.startswith("http") else f"{url}/{topic}"
        return WebhookRelay(address, allow_private=True, **options)
