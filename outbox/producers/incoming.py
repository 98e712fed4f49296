"""Queue bodies that have their ids, where bodies and incoming rows take two statements."""

from __future__ import annotations

from collections.abc import Sequence

from outbox.producers.connection import ProducerConnection
from outbox.producers.prepared_message import PreparedMessage
from outbox.statements import Catalog


def insert_incoming(
    connection: ProducerConnection, catalog: Catalog, messages: Sequence[PreparedMessage], first_id: int
) -> None:
    """Insert the incoming rows of messages whose bodies were inserted with one statement."""
    partition_ids = ",".join([str(message.partition_id) for message in messages])
    connection.execute(
        catalog["insert_incoming"], {"partition_ids": f"[{partition_ids}]", "first_id": first_id}
    )
