"""A message as it leaves for a broker: where it goes, and the headers that tell a receiver which it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from outbox.values.message import OutboxMessage

# Printable ASCII without the percent sign, which begins an escape.
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


def visible(text: str) -> str:
    """Return the text as printable ASCII, all else percent-encoded in UTF-8, as CloudEvents has it."""
    return quote(text, safe=_PRINTABLE)


NO_HEADERS: Mapping[str, str] = MappingProxyType({})


# Named tuples: a frozen dataclass takes four times as long to make, and a relay makes three a message.
class Outgoing(NamedTuple):
    """What a broker is given: a body, headers, and the key that messages are ordered by.

    ``topic`` is the broker's word for the place: topic, exchange and routing key, stream, subject, URL.
    """

    topic: str
    key: str | None
    body: bytes
    content_type: str
    headers: Mapping[str, str]
    message: OutboxMessage

    @property
    def sequence(self) -> tuple[str, str | None]:
        """What its order counts in: no two messages of one sequence are ever under way unconfirmed."""
        return self.topic, self.key


class Route(NamedTuple):
    """Where one message goes. What is None stays as the relay would have it.

    ``headers`` are added to those of the message. ``key`` replaces the message's own.
    """

    topic: str | None = None
    key: str | None = None
    headers: Mapping[str, str] = NO_HEADERS


Router = Callable[[OutboxMessage], Route | str | None]
"""Picks the route of a message; text is a topic, None the default route."""


def route_of(router: Router, message: OutboxMessage) -> Route:
    """Ask the router."""
    answer = router(message)
    if isinstance(answer, Route):
        return answer
    return Route(topic=answer)


ID = "outbox-id"
SOURCE = "outbox-source"
PARTITION = "outbox-partition"
SEQ = "outbox-seq"
KEY = "outbox-key"


def identify(message: OutboxMessage, key: str | None = None) -> dict[str, str]:
    """Return the headers by which an inbox tells a duplicate and notices a gap.

    The partition is the id that is unique among all queues of the source, so that one receiver can
    take several queues.
    """
    headers = {
        ID: message.uid,
        SOURCE: message.source,
        PARTITION: str(message.partition_id),
        SEQ: str(message.seq),
    }
    return headers if key is None else {**headers, KEY: key}


def epoch_of(message: OutboxMessage) -> int:
    """Return the epoch as a number, which only grows: a source is installation and epoch."""
    return int(message.source.rpartition("-")[2])
