"""Write messages to PostgreSQL: one statement for one message, one for each chunk of a batch."""

from __future__ import annotations

from collections.abc import Sequence

from outbox.connections.connection import ProducerConnection
from outbox.enqueue.prepared_message import PreparedMessage, chunks
from outbox.statements import Catalog
from outbox.statements.dialect import Dialect

ROWS = 1_000
BYTES = 8_000_000


def write_postgresql(
    connection: ProducerConnection, catalog: Catalog, messages: Sequence[PreparedMessage]
) -> list[int]:
    """Write messages and return their ids in the same order."""
    if len(messages) == 1 and not messages[0].named:
        keyed = messages[0].message_key is not None
        statement = catalog["enqueue_one_keyed" if keyed else "enqueue_one"]
        rows = connection.execute(statement, messages[0]._asdict())
        return [rows[0][0]]
    statement = catalog["enqueue_many"]
    ids: list[int] = []
    for chunk in chunks(messages, rows=ROWS, size=BYTES):
        ids += [row[0] for row in connection.execute(statement, _columns(catalog.dialect, chunk))]
    return ids


def _columns(dialect: Dialect, messages: Sequence[PreparedMessage]) -> dict[str, object]:
    """Return messages as one array a column."""
    partition_ids, payloads, payload_types, headers, *names = map(list, zip(*messages, strict=True))
    # A column that no message has is no array at all: unnest() fills it up.
    keys, uids, origins = (None if column.count(None) == len(messages) else column for column in names)
    return {
        "partition_ids": dialect.integers(partition_ids),
        "payloads": payloads,
        "payload_types": payload_types,
        "headers": headers,
        "message_keys": keys,
        "uids": uids,
        "origins": origins,
    }
