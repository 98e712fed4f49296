"""Make the text of an error one that a PostgreSQL database can store, whatever its encoding.

Nothing else that travels is touched: names, types, headers and JSON are ASCII, payloads are bytes, and a
key that cannot be stored must be refused, not changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UTF8 = b"UTF8"
# The parameters in which the texts of errors travel, one or a list of them.
REASONS = frozenset({"error", "errors", "reason", "dead_reasons", "entries"})
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
