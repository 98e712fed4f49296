"""Write messages to PostgreSQL: one statement for one message, one for each chunk of a batch."""

from __future__ import annotations

from collections.abc import Sequence

from outbox.connections.connection import ProducerConnection
from outbox.enqueue.prepared_message import PreparedMessage, chunks
from outbox.statements import Catalog
from outbox.statements.dialect import POSTGRESQL

# Rows and bytes of one statement: beyond these a round trip more does not show, while client and server hold
# all of it in memory, several times over.
ROWS = 1_000
BYTES = 8_000_000


def write_postgresql(
    connection: ProducerConnection, catalog: Catalog, messages: Sequence[PreparedMessage]
) -> list[int]:
    """Write messages and return their ids in the same order."""
    if len(messages) == 1 and not messages[0].named and not messages[0].waits:
        keyed = messages[0].message_key is not None
        statement = catalog["enqueue_one_keyed" if keyed else "enqueue_one"]
        return connection.query(statement, messages[0]._asdict()).values()
    later = any(message.waits for message in messages)
    statement = catalog["enqueue_later" if later else "enqueue_many"]
    ids: list[int] = []
    for chunk in chunks(messages, rows=ROWS, size=BYTES):
        ids += connection.query(statement, _columns(chunk)).values()
    return ids


def _columns(messages: Sequence[PreparedMessage]) -> dict[str, object]:
    """Return messages as one array a column."""
    partition_ids, payloads, payload_types, headers, *names = map(list, zip(*messages, strict=True))
    names = names[:5]  # what a key is claimed by is no column of the message
    # A column that no message has is no array at all: unnest() fills it up.
    keys, uids, origins, delays, dues = (
        None if column.count(None) == len(messages) else column for column in names
    )
    return {
        "partition_ids": POSTGRESQL.integers(partition_ids),
        "payloads": payloads,
        "payload_types": payload_types,
        "headers": headers,
        "message_keys": keys,
        "uids": uids,
        "origins": origins,
        "delays": None if delays is None else POSTGRESQL.optional_integers(delays),
        "dues": None if dues is None else POSTGRESQL.optional_integers(dues),
    }
