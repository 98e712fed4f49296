"""The outbox's tables as SQLAlchemy's, for queries of your own: `tables`."""

from outbox.contrib.sqlalchemy.tables import Tables, tables
from outbox.contrib.sqlalchemy.types import Moment

__all__ = ["Moment", "Tables", "tables"]
