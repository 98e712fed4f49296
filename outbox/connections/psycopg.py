"""psycopg 3, and how the texts of errors become such as its database can store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from outbox.connections.driver import Driver

UTF8 = b"UTF8"
# The parameters in which the texts of errors travel, one or a list of them.
REASONS = frozenset(
    {"error", "errors", "reason", "dead_reasons", "fingerprint", "dead_fingerprints", "entries"}
)
# PostgreSQL and Python mean the same by these. Of other encodings, some letters are not the same ones.
CODECS = {b"LATIN1": "latin-1"}


def storable(connection: Any, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters of a statement with letters escaped that a psycopg connection cannot store.

    What both sides' encodings are libpq knows by itself: no round trip.
    """
    if REASONS.isdisjoint(parameters):
        return parameters
    server = connection.pgconn.parameter_status(b"server_encoding")
    client = connection.pgconn.parameter_status(b"client_encoding")
    if server == client == UTF8:
        return parameters
    codec = CODECS.get(server, "ascii") if client in {UTF8, server} else "ascii"
    return {name: _escaped(value, codec) if name in REASONS else value for name, value in parameters.items()}


def _escaped(value: Any, codec: str) -> Any:
    if isinstance(value, str):
        return value.encode(codec, "backslashreplace").decode(codec)
    return [_escaped(item, codec) for item in value] if isinstance(value, list) else value


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
