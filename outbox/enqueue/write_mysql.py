"""Write messages to MySQL and MariaDB: two statements for one message, two for each chunk of a batch.

One more before them remembers the caller's LAST_INSERT_ID(), which the last one puts back.

Values travel as hexadecimal text, see `enqueue.sql`; so the size of a statement is known before it
is sent, and one that the server would refuse by dropping the caller's connection never is.
"""

from __future__ import annotations

from collections.abc import Sequence

from outbox.connections.connection import ProducerConnection
from outbox.enqueue.prepared_message import (
    PreparedMessage,
    body_statement,
    body_values,
    chunks,
    places,
    weigh,
)
from outbox.errors import PayloadTooLarge
from outbox.statements import Catalog, Statement
from outbox.statements.dialect import Dialect

ROWS = 1_000  # as elsewhere: what a statement more costs does not show any more
DIGITS_PER_BYTE = 2  # payloads travel in hexadecimal digits
STATEMENT_BYTES = 1_000  # the statement around the digits of one message, generously
ROW_BYTES = 50  # the same for one more row
# Statements stay below a mebibyte, which any server takes unless its max_allowed_packet was set
# lower than any release ever had it. What is larger is sent only after a look at it.
UNASKED_BYTES = 1_000_000
CHUNK_BYTES = (UNASKED_BYTES - STATEMENT_BYTES - ROWS * ROW_BYTES) // DIGITS_PER_BYTE
LONE_BYTES = (UNASKED_BYTES - STATEMENT_BYTES) // DIGITS_PER_BYTE


def write_mysql(
    connection: ProducerConnection, catalog: Catalog, messages: Sequence[PreparedMessage]
) -> list[int]:
    """Write messages and return their ids in the same order.

    Raises `PayloadTooLarge`, before anything is written, for a message that does not fit into the
    session's ``max_allowed_packet``.
    """
    pieces = list(chunks(messages, rows=ROWS, size=CHUNK_BYTES))
    if any(len(chunk) == 1 and weigh(chunk[0]) > LONE_BYTES for chunk in pieces):
        _refuse_what_does_not_fit(connection, catalog, messages)
    # A mysql.connector connection made with raw=True gives digits.
    [session] = connection.query(catalog["last_insert_id"], {}).named()
    kept, step = int(session.kept), int(session.step)
    ids: list[int] = []
    for chunk in pieces:
        statement = catalog[body_statement(chunk)]
        first_id = connection.insert_rows(
            statement, [_body(catalog.dialect, message, statement) for message in chunk]
        )
        for placing, parameters in places(catalog, chunk, first_id):
            connection.query(placing, {**parameters, "step": step, "kept": kept})
        ids += range(first_id, first_id + len(chunk) * step, step)
    return ids


def _refuse_what_does_not_fit(
    connection: ProducerConnection, catalog: Catalog, messages: Sequence[PreparedMessage]
) -> None:
    # A mysql.connector connection made with raw=True gives digits.
    packet = int(connection.query(catalog["largest_statement"], {}).value())
    room = (packet - STATEMENT_BYTES) // DIGITS_PER_BYTE
    for index, message in enumerate(messages):
        if weigh(message) > room:
            error = PayloadTooLarge(len(message.payload), room - weigh(message) + len(message.payload))
            error.index = index if len(messages) > 1 else None
            raise error


def _body(dialect: Dialect, message: PreparedMessage, statement: Statement) -> tuple[object, ...]:
    texts = [dialect.encode_text(text) for text in body_values(message, statement)[1:]]
    return (dialect.encode_bytes(message.payload), *texts)
