"""psycopg 3."""

from __future__ import annotations

from typing import Any

from outbox.connections.driver import Driver
from outbox.statements.storable import storable


def open_cursor(connection: Any) -> Any:
    """Return a plain cursor; one that binds on the client if that is what the caller's cursors do."""
    from psycopg import ClientCursor, Cursor
    from psycopg.rows import tuple_row

    # Not connection.cursor(): a caller's factory may return dicts, or want $1 for a placeholder.
    factory = connection.cursor_factory
    on_client = isinstance(factory, type) and issubclass(factory, ClientCursor)
    kind = ClientCursor if on_client else Cursor
    return kind(connection, row_factory=tuple_row)


def in_transaction(connection: Any) -> bool:
    """Tell whether autocommit is off or a transaction is open; a failed one is open too."""
    from psycopg.pq import PipelineStatus, TransactionStatus

    if not connection.autocommit:
        return True
    if connection.pgconn.pipeline_status != PipelineStatus.OFF:
        # A BEGIN may still be on its way, and the status is that of the last answer read.
        with connection.pipeline():
            pass
    status = connection.info.transaction_status
    return status in {TransactionStatus.INTRANS, TransactionStatus.INERROR}


PSYCOPG = Driver("psycopg", "postgresql", open_cursor, in_transaction, binary=True, storable=storable)
