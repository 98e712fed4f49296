"""How values travel to and from the statements of one folder of ``sql/``.

Every list travels in one parameter, so that a statement's text never depends on how long a list is. No
value depends on the session: not on its character set, its time zone or its ``sql_mode``. Who asks a
`Dialect` never needs to ask which database it talks to.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import overload

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)


class Dialect:
    """Lists as JSON, texts and bytes as they are: SQLite's, and what the others start from."""

    quote = '"'
    """What stands around a name."""
    databases_are_schemas = False
    """Whether a connection can be in no database, and name the tables of any on its server."""

    enqueues_in_one_statement = False
    """Whether one message is one statement, and so committed or not without a transaction around it."""

    def integers(self, values: Iterable[int]) -> str:
        """Write a list of whole numbers."""
        return f"[{','.join(map(str, values))}]"

    def records(self, rows: Iterable[Sequence[object]]) -> str:
        """Write a list of rows, whose values JSON can carry, as an array of arrays in plain ASCII."""
        return json.dumps(list(rows), separators=(",", ":"))

    @overload
    def encode_text(self, value: str) -> str: ...
    @overload
    def encode_text(self, value: str | None) -> str | None: ...
    def encode_text(self, value: str | None) -> str | None:
        """Return a text as a parameter."""
        return value

    def encode_bytes(self, value: bytes) -> bytes | str:
        """Return bytes as a parameter."""
        return value


class PostgresqlDialect(Dialect):
    """Lists of numbers as array literals."""

    enqueues_in_one_statement = True

    def integers(self, values: Iterable[int]) -> str:
        """Write an array literal.

        A list would be sent with a type that depends on its largest element, and each type would be
        prepared, and planned, as another statement.
        """
        return f"{{{','.join(map(str, values))}}}"

    def floats(self, values: Iterable[float]) -> str:
        """Write an array literal of floats, for the same reason."""
        return f"{{{','.join(map(repr, values))}}}"


class MysqlDialect(Dialect):
    """Texts and bytes as hexadecimal digits, which no character set of a session can change.

    Nor can what releases make of text in JSON: up to MariaDB 10.6, JSON_UNQUOTE knows no emoji; the first
    releases with JSON_TABLE leave escapes as they are (MariaDB) and turn null into the text "null" (MySQL).
    """

    quote = "`"
    databases_are_schemas = True

    @overload
    def encode_text(self, value: str) -> str: ...
    @overload
    def encode_text(self, value: str | None) -> str | None: ...
    def encode_text(self, value: str | None) -> str | None:
        """Write the digits of a text's bytes in UTF-8."""
        return None if value is None else value.encode().hex()

    def encode_bytes(self, value: bytes) -> str:
        """Write the digits of bytes."""
        return value.hex()


POSTGRESQL = PostgresqlDialect()
MYSQL = MysqlDialect()
SQLITE = Dialect()
DIALECTS: dict[str, Dialect] = {"postgresql": POSTGRESQL, "mysql": MYSQL, "sqlite": SQLITE}
"""One for each folder of ``sql/``."""


@overload
def decode_text(value: None) -> None: ...
@overload
def decode_text(value: str | bytes | bytearray) -> str: ...
def decode_text(value: str | bytes | bytearray | None) -> str | None:
    """Read a text column, which MySQL sends as bytes on some connections, and where it is cast."""
    return value if value is None or isinstance(value, str) else bytes(value).decode()


@overload
def decode_time(microseconds: None) -> None: ...
@overload
def decode_time(microseconds: int | str | bytes) -> datetime: ...
def decode_time(microseconds: int | str | bytes | None) -> datetime | None:
    """Read an aware time, which travels as whole microseconds since 1970."""
    return None if microseconds is None else EPOCH + int(microseconds) * MICROSECOND


def encode_time(time: datetime | None) -> int | None:
    """Return an aware time as whole microseconds since 1970."""
    return None if time is None else (time - EPOCH) // MICROSECOND
