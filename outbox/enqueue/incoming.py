"""Queue bodies that have their ids, where bodies and incoming rows take two statements."""

from __future__ import annotations

from collections.abc import Sequence

from outbox.enqueue.prepared_message import PreparedMessage


def incoming(messages: Sequence[PreparedMessage], first_id: int) -> dict[str, object]:
    """Return the parameters of ``insert_incoming`` for messages whose bodies one statement inserted."""
    partition_ids = ",".join([str(message.partition_id) for message in messages])
    return {"partition_ids": f"[{partition_ids}]", "first_id": first_id}
