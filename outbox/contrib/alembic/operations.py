"""One step of the outbox's schema as an operation of Alembic, on whichever driver Alembic runs."""

from __future__ import annotations

import re
from typing import Any

from alembic.operations import MigrateOperation, Operations
from sqlalchemy import text

from outbox.backends.connect import DATABASES
from outbox.errors import ConfigurationError
from outbox.schema import Migration, migrations
from outbox.statements import Catalog, Naming
from outbox.statements.tables import DEFAULT_PREFIX

PARAMETER = re.compile(r":(?=\w)")


class OutboxStep(MigrateOperation):
    """A step of the schema, named: a later release of the library adds none to a revision that exists."""

    def __init__(self, name: str, prefix: str = DEFAULT_PREFIX, schema: str | None = None) -> None:
        self.name = name
        self.prefix = prefix
        self.schema = schema

    def find(self, backend: str) -> Migration:
        """Return the step for a database; raises `ConfigurationError` for a name that there is none of."""
        steps = migrations(backend, prefix=self.prefix, schema=self.schema)
        for step in steps:
            if step.name == self.name:
                return step
        known = ", ".join(step.name for step in steps)
        raise ConfigurationError("name", self.name, f"there is no such migration; give one of {known}")


@Operations.register_operation("outbox_upgrade")
class OutboxUpgrade(OutboxStep):
    """Apply a step: ``op.outbox_upgrade("0001_create_tables")``."""

    @classmethod
    def outbox_upgrade(
        cls, operations: Operations, name: str, *, prefix: str = DEFAULT_PREFIX, schema: str | None = None
    ) -> None:
        """Apply one step of the outbox's schema, one statement at a time.

        A step that is applied already, by ``outbox.migrate`` say, is left alone. Works offline (``--sql``).
        """
        operations.invoke(cls(name, prefix, schema))

    def reverse(self) -> OutboxDowngrade:
        """Return what undoes it."""
        return OutboxDowngrade(self.name, self.prefix, self.schema)


@Operations.register_operation("outbox_downgrade")
class OutboxDowngrade(OutboxStep):
    """Undo a step: ``op.outbox_downgrade("0001_create_tables")``."""

    @classmethod
    def outbox_downgrade(
        cls, operations: Operations, name: str, *, prefix: str = DEFAULT_PREFIX, schema: str | None = None
    ) -> None:
        """Undo one step of the outbox's schema, **with all that its tables hold**."""
        operations.invoke(cls(name, prefix, schema))

    def reverse(self) -> OutboxUpgrade:
        """Return what applies it."""
        return OutboxUpgrade(self.name, self.prefix, self.schema)


@Operations.implementation_for(OutboxUpgrade)
def upgrade(operations: Operations, operation: OutboxUpgrade) -> None:
    """Run the step, unless it is applied."""
    step = operation.find(dialect_of(operations))
    first, *others = step.statements
    execute(operations, first)  # the table of what is applied, if it is missing
    if operation.name not in applied(operations, operation):
        for statement in others:
            execute(operations, statement)


@Operations.implementation_for(OutboxDowngrade)
def downgrade(operations: Operations, operation: OutboxDowngrade) -> None:
    """Undo the step."""
    for statement in operation.find(dialect_of(operations)).down_statements:
        execute(operations, statement)


def applied(operations: Operations, operation: OutboxStep) -> set[str]:
    """Return the names of the steps that are applied; none where nothing can be asked, offline."""
    context: Any = operations.get_context()
    if context.as_sql:
        return set()
    naming = Naming(operation.prefix, operation.schema)
    catalog = Catalog.load(DATABASES[dialect_of(operations)].backend, naming)
    rows = operations.get_bind().execute(literal(catalog["applied_migrations"].compact))
    return {name.decode() if isinstance(name, bytes) else str(name) for (name,) in rows}


def dialect_of(operations: Operations) -> str:
    """Return the database's name, as `migrations` takes it."""
    context: Any = operations.get_context()
    return str(context.dialect.name)


def execute(operations: Operations, statement: str) -> None:
    """Run a statement that has no parameters, or write it down."""
    operations.execute(literal(statement))


def literal(statement: str) -> Any:
    """Return a statement in which a colon is a colon."""
    return text(PARAMETER.sub(r"\\:", statement))
