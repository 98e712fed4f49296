"""What tells a receiver which message it has: the headers that every relay adds."""

from __future__ import annotations

from outbox.values.message import OutboxMessage

ID = "outbox-id"
SOURCE = "outbox-source"
PARTITION = "outbox-partition"
SEQ = "outbox-seq"


def identify(message: OutboxMessage) -> dict[str, str]:
    """Return the headers by which an inbox tells a duplicate and notices a gap.

    The partition is the id that is unique among all queues of the source, so that one receiver can
    take several queues.
    """
    return {
        ID: uid_of(message),
        SOURCE: source_of(message),
        PARTITION: str(message.partition_id),
        SEQ: str(message.seq),
    }


def key_of(message: OutboxMessage) -> str | None:
    """Return the key."""
    return getattr(message, "key", None)


def uid_of(message: OutboxMessage) -> str:
    """Return the name of the message."""
    return getattr(message, "uid", None) or f"outbox-1:{message.id}"


def source_of(message: OutboxMessage) -> str:
    """Return the installation and epoch."""
    return getattr(message, "source", None) or "outbox-1"


def epoch_of(message: OutboxMessage) -> int:
    """Return the epoch as a number: it only grows."""
    return int(source_of(message).rpartition("-")[2])
