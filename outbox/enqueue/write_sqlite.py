"""Write messages to SQLite: two statements for one message, two for each chunk of a batch."""

from __future__ import annotations

from collections.abc import Sequence

from outbox.connections.connection import ProducerConnection
from outbox.connections.sqlite import most_parameters
from outbox.enqueue.prepared_message import (
    PreparedMessage,
    body_statement,
    body_values,
    chunks,
    places,
)
from outbox.statements import Catalog

# Rows and bytes of one statement: a statement more costs no round trip here, and memory is held once.
ROWS = 1_000
BYTES = 8_000_000
SQLITE_BUSY = (
    5  # a primary code; the extended ones, such as SQLITE_BUSY_SNAPSHOT, have it in their lowest byte
)
PRIMARY_CODE = 0xFF
ADVICE = (
    "Another connection was writing. A transaction that reads before it writes fails at once in that "
    "case: begin it with BEGIN IMMEDIATE, and it waits for its turn up to the busy timeout."
)


def write_sqlite(
    connection: ProducerConnection, catalog: Catalog, messages: Sequence[PreparedMessage]
) -> list[int]:
    """Write messages and return their ids in the same order.

    The driver's error for a busy database passes through, with a note on what to do about it.
    """
    statement = catalog[body_statement(messages)]
    rows = min(ROWS, most_parameters(connection.driver_connection()) // len(statement.row_parameters))
    ids: list[int] = []
    try:
        for chunk in chunks(messages, rows=rows, size=BYTES):
            # The rows of one statement get consecutive ids: there is no other writer meanwhile.
            last_id = connection.insert_rows(
                statement, [body_values(message, statement) for message in chunk]
            )
            first_id = last_id - len(chunk) + 1
            for placing, parameters in places(catalog, chunk, first_id):
                connection.query(placing, parameters)
            ids += range(first_id, last_id + 1)
    except Exception as error:
        _advise(error)
        raise
    return ids


def _advise(error: Exception) -> None:
    """Add a note to a busy error, the driver's own or one that wraps it; needs Python 3.11."""
    codes = [getattr(source, "sqlite_errorcode", 0) for source in (error, error.__cause__)]
    if any(code & PRIMARY_CODE == SQLITE_BUSY for code in codes) and hasattr(error, "add_note"):
        error.add_note(ADVICE)
