"""What tells a receiver which message it has: the headers that every relay adds."""

from __future__ import annotations

from outbox.values.message import OutboxMessage

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
