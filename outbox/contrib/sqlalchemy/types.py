"""Column types that read the same value from every database."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    DateTime,
    Dialect,
    Double,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator, TypeEngine

from outbox.statements.dialect import decode_text, decode_time, encode_time

# Where a database is of MySQL's family, SQLAlchemy's dialect may have either name.
MYSQL = ("mysql", "mariadb")


class Moment(TypeDecorator[datetime]):
    """An aware time in UTC: a time zone's on PostgreSQL, UTC on MySQL, whole microseconds on SQLite."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that the column has there."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Integer())
        if dialect.name in MYSQL:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Turn an aware time into what is stored; one without a time zone is refused."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; give an aware time")
        if dialect.name == "sqlite":
            return encode_time(value)
        if value is not None and dialect.name in MYSQL:
            return value.astimezone(timezone.utc).replace(tzinfo=None)
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Turn what is stored into an aware time."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            found: datetime = decode_time(value)
        elif dialect.name in MYSQL:
            found = value.replace(tzinfo=timezone.utc)
        else:
            found = value.astimezone(timezone.utc)
        return found


class Key(TypeDecorator[str]):
    """A key that is part of a primary key: text, which MySQL keeps as bytes."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that the column has there."""
        return dialect.type_descriptor(mysql.VARBINARY(1024)) if dialect.name in MYSQL else self.impl_instance

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        """Turn a text into what is stored."""
        return value.encode() if value is not None and dialect.name in MYSQL else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - as it was sent
        """Turn what is stored into a text."""
        found: str | None = decode_text(value)
        return found


BIG = BigInteger().with_variant(Integer(), "sqlite")
SMALL = SmallInteger().with_variant(Integer(), "sqlite")
FLOAT: TypeEngine[float] = Double().with_variant(REAL(), "sqlite")
BYTES = LargeBinary().with_variant(mysql.LONGBLOB(), *MYSQL)
LONG = Text().with_variant(mysql.LONGTEXT(), *MYSQL)
KEY = Text().with_variant(String(1024), *MYSQL)


def short(length: int) -> TypeEngine[str]:
    """Return a text of a limited length, which SQLite does not count."""
    return String(length).with_variant(Text(), "sqlite")
