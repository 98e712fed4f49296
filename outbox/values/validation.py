"""The rules for names that end up in the tables."""

from __future__ import annotations

import re

from outbox.errors import InvalidPayloadType, InvalidQueueName, InvalidTablePrefix

# `\Z`, not `$`: the latter also matches before a trailing newline.
QUEUE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,1022}[A-Za-z0-9])?\Z")
PAYLOAD_TYPE = re.compile(r"[\x20-\x7e]{1,1024}\Z")
TABLE_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,35}\Z")


def validate_queue(name: object) -> str:
    """Return a queue name, or raise `InvalidQueueName`."""
    if not isinstance(name, str) or QUEUE_NAME.match(name) is None:
        raise InvalidQueueName(name)
    return name


def validate_payload_type(payload_type: object) -> str:
    """Return a payload type, or raise `InvalidPayloadType`."""
    if not isinstance(payload_type, str) or PAYLOAD_TYPE.match(payload_type) is None:
        raise InvalidPayloadType(payload_type)
    return payload_type


def validate_prefix(prefix: object) -> str:
    """Return a table prefix, or raise `InvalidTablePrefix`."""
    if not isinstance(prefix, str) or TABLE_PREFIX.match(prefix) is None:
        raise InvalidTablePrefix(prefix)
    return prefix
