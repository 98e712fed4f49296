"""How a message is written for SQS and SNS: text, few attributes, and a group."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import quote

from outbox.contrib.relays.outgoing import PARTITION, Outgoing

# The names of FIFO queues and topics end with it, and of no others.
FIFO = ".fifo"
MOST_ENTRIES = 10
# SNS takes no more at once, and SQS took no more until 2025. A larger message goes alone and is judged there.
MOST_BYTES = 262_144
# More attributes are refused by SQS, and lost on the way from a topic to a queue.
MOST_ATTRIBUTES = 10
LONGEST_GROUP = 128
# What a group may consist of beside letters and digits; the percent sign begins an escape.
_OF_A_GROUP = "!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"

# Headers that are no attributes of their own, as a JSON object.
MORE_HEADERS = "outbox-headers"
CONTENT_TYPE = "content-type"
ENCODING = "content-transfer-encoding"

# The characters that SQS takes are XML's.
_FOREIGN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = re.compile(r"(?!aws\.|amazon\.)(?!.*\.\.)(?!\.)[A-Za-z0-9_.-]{1,256}(?<!\.)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of a call, and how much of the call it takes."""

    outgoing: Outgoing
    body: str
    attributes: Mapping[str, str]
    size: int

    def words(self, number: int, body: str) -> dict[str, Any]:
        """Return the entry as boto3 takes it; ``body`` is what the service calls the body."""
        return {
            "Id": str(number),
            body: self.body,
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in self.attributes.items()
            },
            "MessageGroupId": group_of(self.outgoing),
            "MessageDeduplicationId": self.outgoing.message.uid,
        }


def entry_of(outgoing: Outgoing) -> Entry:
    """Return the entry of a message."""
    headers = dict(outgoing.headers)
    body, encoded = text_of(outgoing.body)
    headers[CONTENT_TYPE] = outgoing.content_type
    if encoded:
        headers[ENCODING] = "base64"
    attributes = attributes_of(headers)
    size = len(body.encode()) + sum(
        len(name) + len("String") + len(value.encode()) for name, value in attributes.items()
    )
    return Entry(outgoing, body, attributes, size)


def calls_of(wave: Sequence[Outgoing]) -> Iterator[tuple[str, list[Entry]]]:
    """Yield what goes into one call after the other, in order: messages of one topic that it can carry."""
    for topic, group in groupby(wave, key=lambda outgoing: outgoing.topic):
        call: list[Entry] = []
        for entry in map(entry_of, group):
            if call and (len(call) == MOST_ENTRIES or sum(e.size for e in call) + entry.size > MOST_BYTES):
                yield topic, call
                call = []
            call.append(entry)
        yield topic, call


def text_of(body: bytes) -> tuple[str, bool]:
    """Return the body as text, and whether it had to become base64 for that."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True
    return (base64.b64encode(body).decode(), True) if _FOREIGN.search(text) else (text, False)


def attributes_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers as attributes, the last ones, and all the rest in one.

    The last ones are those that the envelope and the relay have added. What SQS takes for no name or no value
    is among the rest.
    """
    own = {name: value for name, value in headers.items() if _is_attribute(name, value)}
    rest = {name: value for name, value in headers.items() if name not in own}
    if len(own) + bool(rest) > MOST_ATTRIBUTES:
        for name in list(own)[: len(own) - MOST_ATTRIBUTES + 1]:
            rest[name] = own.pop(name)
    return {**own, MORE_HEADERS: json.dumps(rest)} if rest else own


def group_of(outgoing: Outgoing) -> str:
    """Return what the order counts in: the key, or the partition of a message without one."""
    if outgoing.key is None:
        return f"partition-{outgoing.headers[PARTITION]}"
    group = quote(outgoing.key, safe=_OF_A_GROUP)
    if 0 < len(group) <= LONGEST_GROUP:
        return group
    return f"sha256:{hashlib.sha256(outgoing.key.encode()).hexdigest()}"


def _is_attribute(name: str, value: str) -> bool:
    return bool(value and _NAME.fullmatch(name) and not _FOREIGN.search(value)) and name != MORE_HEADERS
