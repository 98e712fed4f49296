"""Write messages to MySQL and MariaDB: two statements for one message, two for each chunk of a batch.

Values travel as hexadecimal text, see `enqueue.sql`; so the size of a statement is known before it
is sent, and one that the server would refuse by dropping the caller's connection never is.
"""

from __future__ import annotations

from collections.abc import Sequence

from outbox.errors import PayloadTooLarge
from outbox.producers.chunks import chunks, weigh
from outbox.producers.connection import ProducerConnection
from outbox.producers.incoming import insert_incoming
from outbox.producers.prepared_message import PreparedMessage
from outbox.statements import Catalog

ROWS = 500
TEXT_BYTES = 1_000_000
DIGITS_PER_BYTE = 2
STATEMENT_BYTES = 1_000  # the statement around the digits of one message, generously
ROW_BYTES = 50  # the same for one more row


def write_mysql(
    connection: ProducerConnection, catalog: Catalog, messages: Sequence[PreparedMessage]
) -> list[int]:
    """Write messages and return their ids in the same order.

    Raises `PayloadTooLarge`, before anything is written, for a message that does not fit into the
    session's ``max_allowed_packet``.
    """
    if len(messages) == 1 and weigh(messages[0]) * DIGITS_PER_BYTE <= TEXT_BYTES:
        return [_insert(connection, catalog, messages)]
    # A mysql.connector connection made with raw=True gives digits.
    step, packet = map(int, connection.execute(catalog["session_settings"], {})[0])
    room = (packet - STATEMENT_BYTES) // DIGITS_PER_BYTE
    for message in messages:
        if weigh(message) > room:
            raise PayloadTooLarge(len(message.payload), room - weigh(message) + len(message.payload))
    ids: list[int] = []
    size = min(TEXT_BYTES // DIGITS_PER_BYTE, room - ROWS * ROW_BYTES)
    for chunk in chunks(messages, rows=ROWS, size=size):
        first_id = _insert(connection, catalog, chunk)
        ids += range(first_id, first_id + len(chunk) * step, step)
    return ids


def _insert(connection: ProducerConnection, catalog: Catalog, messages: Sequence[PreparedMessage]) -> int:
    """Insert messages that fit into one statement and return the id of the first."""
    rows = [_hexadecimal(message) for message in messages]
    first_id = connection.insert_rows(catalog["insert_body"], rows)
    insert_incoming(connection, catalog, messages, first_id)
    return first_id


def _hexadecimal(message: PreparedMessage) -> tuple[str, str, str | None]:
    headers = message.headers
    return (
        message.payload.hex(),
        message.payload_type.encode().hex(),
        None if headers is None else headers.encode().hex(),
    )
