"""A migration of the outbox's tables as an operation of Django's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db import router, transaction
from django.db.migrations.operations.base import Operation
from django.db.utils import Error

from outbox.backends.sqlite.migrations import split
from outbox.contrib.django.conf import outbox_settings
from outbox.schema import Migration, migrations
from outbox.statements import Catalog, Statement

if TYPE_CHECKING:
    from django.db.migrations.state import ProjectState


class OutboxMigration(Operation):
    """Runs a step of the shipped schema on Django's own connection, each statement through the schema editor.

    So ``sqlmigrate`` shows it, a dry run runs nothing, and a database in memory is migrated like any other.
    A step that ``outbox.migrate`` has applied already is left alone.
    """

    reversible = True
    reduces_to_sql = True

    def __init__(self, name: str) -> None:
        self.name = name

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Return how this is written in a migration."""
        return (type(self).__name__, [self.name], {})

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: the models stand beside this in the migration."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Apply the step."""
        self._run(app_label, schema_editor, undo=False)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Undo the step."""
        self._run(app_label, schema_editor, undo=True)

    def describe(self) -> str:
        """Return what ``migrate --plan`` says."""
        return f"Applies {self.name} to the outbox's tables"

    @property
    def migration_name_fragment(self) -> str:
        """Return what a migration with this is named after."""
        return self.name.partition("_")[2]

    def _run(self, app_label: str, editor: Any, *, undo: bool) -> None:
        connection = editor.connection
        if not router.allow_migrate(connection.alias, app_label):
            return
        step = self._step(connection.vendor)
        if not editor.collect_sql and (self.name in applied(connection)) is not undo:
            return
        for statement in statements(connection.vendor, step.down if undo else step.up):
            # Not an empty list of parameters: then a per cent sign would be read as a placeholder.
            editor.execute(statement, params=None)

    def _step(self, vendor: str) -> Migration:
        naming = next(iter(outbox_settings().values())).naming
        steps = migrations(vendor, prefix=naming.prefix, schema=naming.schema)
        return next(step for step in steps if step.name == self.name)


def statements(vendor: str, script: str) -> Iterator[str]:
    """Yield the statements of a script."""
    if vendor == "sqlite":
        for statement in split(script):
            assert sqlite3.complete_statement(statement)
            yield Statement("step", ":exec", statement).compact.removesuffix(";")
        return
    for statement in Statement("step", ":exec", script).compact.split(";"):
        if statement.strip():
            yield statement.strip()


def applied(connection: Any) -> set[str]:
    """Return the names of the steps that a database says were applied, none where it has no such table."""
    naming = next(iter(outbox_settings().values())).naming
    known = Catalog.load(connection.vendor, naming)["applied_migrations"]
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(known.compact)
            return {row[0] if isinstance(row[0], str) else row[0].decode() for row in cursor.fetchall()}
    except Error:
        return set()
