"""Where the outbox's models are, in a project with several databases."""

from __future__ import annotations

from typing import Any

from outbox.contrib.django.conf import outbox_settings

LABEL = "outbox"


class OutboxRouter:
    """Add ``"outbox.contrib.django.router.OutboxRouter"`` to DATABASE_ROUTERS.

    The tables are made in each database that an entry of ``OUTBOX`` names, and in no other one. The admin
    shows those of the first entry.
    """

    def db_for_read(self, model: Any, **_: Any) -> str | None:
        """Name the database of the outbox's models."""
        return first_database() if model._meta.app_label == LABEL else None  # noqa: SLF001 - Django's public name

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        """Name the database of the outbox's models."""
        return self.db_for_read(model, **hints)

    def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool | None:
        """Allow the outbox's migrations where an outbox is."""
        if app_label != LABEL:
            return None
        return db in {entry.database for entry in outbox_settings().values()}


def first_database() -> str:
    """Return the alias of the first entry."""
    return next(iter(outbox_settings().values())).database
