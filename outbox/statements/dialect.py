"""How values travel to and from the statements of one folder of ``sql/``.

Every list travels in one parameter, so that a statement's text never depends on how long a list is. No
value depends on the session: not on its character set, its time zone or its ``sql_mode``. Who asks a
`Dialect` never needs to ask which database it talks to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import overload

from outbox.errors import ConfigurationError

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)


class NewIds(Enum):
    """How a database tells the ids of the rows that one INSERT made."""

    RETURNED = "returned"
    """The statement returns them all."""
    FIRST = "first"
    """The driver reports the first; the others follow it."""
    LAST = "last"
    """The driver reports the last; the others come before it."""


class Dialect:
    """Lists as JSON, texts and bytes as they are: what all others start from."""

    quote = '"'
    """What stands around a name."""
    new_ids = NewIds.RETURNED
    """How an INSERT of several rows tells their ids."""
    has_schemas = False
    """Whether the tables can be put into a schema of their own."""
    is_embedded = False
    """Whether it is a file that this process reads and writes by itself.

    Then there is no server that could be away or have another clock, no lock of a single row, and a
    connection can have several files attached.
    """
    databases_are_schemas = False
    """Whether a connection can be in no database, and name the tables of any on its server."""

    enqueues_in_one_statement = False
    """Whether one message is one statement, and so committed or not without a transaction around it."""

    def integers(self, values: Iterable[int]) -> str:
        """Write a list of whole numbers."""
        return f"[{','.join(map(str, values))}]"

    def texts(self, values: Iterable[str]) -> str | list[str]:
        """Write a list of texts."""
        return json.dumps(list(values))

    def any_texts(self, values: Iterable[str]) -> str | list[str]:
        """Write a list of texts that may hold any character, whatever the session's character set."""
        return self.texts(values)

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

    def grantee(self, user: str) -> str:
        """Return a user's name as GRANT takes it; raises `ConfigurationError`."""
        raise NotImplementedError

    def granted_in(self, schema: str | None, database: str | None) -> str:
        """Return the name of what holds the tables as GRANT takes it; raises `ConfigurationError`."""
        raise NotImplementedError


# A name of MySQL's family may say from where: 'app'@'10.0.%'.
ACCOUNT = re.compile(r"(?P<user>[^@'`\"\\;]+)(?:@(?P<host>[^@'`\"\\;]+))?\Z")
NOT_A_ROLE = "give the name of a role, without quotes"


class PostgresqlDialect(Dialect):
    """Lists of numbers as array literals."""

    has_schemas = True
    enqueues_in_one_statement = True

    def grantee(self, user: str) -> str:
        """Write the name of a role."""
        found = ACCOUNT.match(user)
        if found is None or found["host"]:
            raise ConfigurationError("user", user, NOT_A_ROLE)
        return f'"{user}"'

    def granted_in(self, schema: str | None, database: str | None) -> str:  # noqa: ARG002 - the connection's
        """Write the name of a schema."""
        return f'"{schema or "public"}"'

    def integers(self, values: Iterable[int]) -> str:
        """Write an array literal.

        A list would be sent with a type that depends on its largest element, and each type would be
        prepared, and planned, as another statement.
        """
        return f"{{{','.join(map(str, values))}}}"

    def optional_integers(self, values: Iterable[int | None]) -> str:
        """Write an array literal of numbers of which some may be missing, for the same reason."""
        return f"{{{','.join('NULL' if value is None else str(value) for value in values)}}}"

    def texts(self, values: Iterable[str]) -> str | list[str]:
        """Leave it to the driver."""
        return list(values)

    def floats(self, values: Iterable[float]) -> str:
        """Write an array literal of floats, for the same reason."""
        return f"{{{','.join(map(repr, values))}}}"


class MysqlDialect(Dialect):
    """Texts and bytes as hexadecimal digits, which no character set of a session can change.

    Nor can what releases make of text in JSON: up to MariaDB 10.6, JSON_UNQUOTE knows no emoji; the first
    releases with JSON_TABLE leave escapes as they are (MariaDB) and turn null into the text "null" (MySQL).
    """

    quote = "`"
    new_ids = NewIds.FIRST
    databases_are_schemas = True

    def grantee(self, user: str) -> str:
        """Write the name of an account, from any host unless it names one."""
        found = ACCOUNT.match(user)
        if found is None:
            raise ConfigurationError("user", user, NOT_A_ROLE)
        return f"'{found['user']}'@'{found['host'] or '%'}'"

    def granted_in(self, schema: str | None, database: str | None) -> str:  # noqa: ARG002 - there are none
        """Write the name of a database as GRANT takes it, as a pattern, where _ would be any character."""
        if database is None or "`" in database:
            raise ConfigurationError("database", database, "name the database that holds the tables")
        return "`" + database.replace("_", "\\_") + "`"

    @overload
    def encode_text(self, value: str) -> str: ...
    @overload
    def encode_text(self, value: str | None) -> str | None: ...
    def encode_text(self, value: str | None) -> str | None:
        """Write the digits of a text's bytes in UTF-8."""
        return None if value is None else value.encode().hex()

    def any_texts(self, values: Iterable[str]) -> str | list[str]:
        """Write a list of texts as digits."""
        return self.texts(value.encode().hex() for value in values)

    def encode_bytes(self, value: bytes) -> str:
        """Write the digits of bytes."""
        return value.hex()


class SqliteDialect(Dialect):
    """A file."""

    new_ids = NewIds.LAST
    is_embedded = True


POSTGRESQL = PostgresqlDialect()
MYSQL = MysqlDialect()
SQLITE = SqliteDialect()
DIALECTS: dict[str, Dialect] = {"postgresql": POSTGRESQL, "mysql": MYSQL, "sqlite": SQLITE}
"""One for each folder of ``sql/``."""


@overload
def decode_text(value: None) -> None: ...
@overload
def decode_text(value: str | bytes | bytearray) -> str: ...
def decode_text(value: str | bytes | bytearray | None) -> str | None:
    """Read a text column, which MySQL sends as bytes on some connections, and where it is cast."""
    return value if value is None or isinstance(value, str) else bytes(value).decode()


def readable_text(value: object) -> str | None:
    """Return what a driver gave, for people and for comparing; some give bytes, by encoding or by setting."""
    if value is None or isinstance(value, str):
        return value
    return bytes(value).decode(errors="replace") if isinstance(value, (bytes, bytearray)) else str(value)


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
