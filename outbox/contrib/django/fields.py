"""Columns as the outbox's tables have them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from django.db import models

from outbox.statements.dialect import decode_time, encode_time

UTC = timezone.utc


if TYPE_CHECKING:
    Base = models.DateTimeField[Any, Any]
else:
    Base = models.DateTimeField


class TimeField(Base):
    """A time in UTC: microseconds since 1970 on SQLite, DATETIME(6) on MySQL, timestamptz on PostgreSQL."""

    def get_internal_type(self) -> str:
        """Keep Django's own conversions of times away: they know another form on SQLite."""
        return "OutboxTimeField"

    def db_type(self, connection: Any) -> str:
        """Return the type of the column, which a migration of the outbox's own has made."""
        types = {"sqlite": "integer", "mysql": "datetime(6)"}
        return types.get(connection.vendor, "timestamp with time zone")

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> datetime | None:
        """Return an aware time."""
        if isinstance(value, int):
            return decode_time(value)
        if isinstance(value, datetime) and value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        aware: datetime | None = value
        return aware

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """Return what the database compares the column with."""
        prepared_value = value if prepared else self.get_prep_value(value)
        if not isinstance(prepared_value, datetime):
            return prepared_value
        aware = prepared_value if prepared_value.tzinfo else prepared_value.replace(tzinfo=UTC)
        if connection.vendor == "sqlite":
            return encode_time(aware)
        return aware.astimezone(UTC).replace(tzinfo=None) if connection.vendor == "mysql" else aware
