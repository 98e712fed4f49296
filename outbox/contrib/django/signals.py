"""What Django tells, and what the outboxes of this process do about it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.core.signals import setting_changed
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from outbox.contrib.django.boxes import boxes, close
from outbox.contrib.django.conf import outbox_settings
from outbox.errors import SchemaNotReady

SETTINGS = frozenset({"OUTBOX", "DATABASES", "INSTALLED_APPS"})


def connect(app: AppConfig) -> None:
    """Register the checks and connect the receivers, each once."""
    import_module("outbox.contrib.django.checks")
    post_migrate.connect(register_queues, sender=app, dispatch_uid="outbox.register_queues")
    setting_changed.connect(reopen, dispatch_uid="outbox.reopen")
    connection_created.connect(let_go, dispatch_uid="outbox.let_go")


def register_queues(*, using: str, **_: Any) -> None:
    """Make the declared queues known to a database that was migrated or flushed.

    ``flush`` empties the table of partitions and sends this signal: what a process remembers of them is void.
    """
    for name, settings in outbox_settings().items():
        if settings.database != using:
            continue
        lazy = boxes.lazy(name)
        lazy.close()
        switch_to_wal(using)
        try:
            lazy.opened()
        except SchemaNotReady:  # migrated to an earlier state, or back to none
            lazy.close()


def switch_to_wal(using: str) -> None:
    """Put a SQLite file into the journal mode in which readers and the writer do not wait for each other."""
    from django.db import connections

    from outbox.statements import Catalog, Naming

    connection = connections[using]
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute(Catalog.load("sqlite", Naming())["use_wal"].compact)


def reopen(*, setting: str, **_: Any) -> None:
    """Forget what was opened with other settings."""
    if setting in SETTINGS:
        close()


def let_go(*, connection: Any, **_: Any) -> None:
    """Close everything when Django connects to no database: it is about to create or to drop one.

    A connection that notifies other processes would keep a test database from being dropped.
    """
    if connection.alias == NO_DB_ALIAS:
        close()
