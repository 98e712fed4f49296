"""Create, check and drop the tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from outbox.backends.connect import (
    DATABASES,
    NAMES,
    OTHER_NAMES,
    check_naming,
    file_of_url,
    open_backend,
)
from outbox.backends.protocol import Backend
from outbox.errors import ConfigurationError, SchemaNotReady
from outbox.statements import Catalog, Naming, Statement
from outbox.statements.files import list_sql, read_sql
from outbox.statements.tables import DEFAULT_PREFIX, TABLES

UP = ".up.sql"
DOWN = ".down.sql"


@dataclass(frozen=True)
class Migration:
    """One step of the schema: its name and the SQL that applies and undoes it."""

    name: str
    up: str
    down: str

    @property
    def statements(self) -> tuple[str, ...]:
        """What applies it, one statement each, for drivers and tools that take no more at a time."""
        return separate(self.up)

    @property
    def down_statements(self) -> tuple[str, ...]:
        """What undoes it, likewise."""
        return separate(self.down)


def separate(script: str) -> tuple[str, ...]:
    """Return the statements of a script, without comments; the databases' quoting is alike enough."""
    # SQLite's package imports SQLAlchemy, which takes longer than everything that a first name needs.
    from outbox.backends.sqlite.migrations import split

    compact = (Statement("part", ":exec", part).compact.rstrip("; ") for part in split(script))
    return tuple(statement for statement in compact if statement)


def migrations(backend: str, *, prefix: str = DEFAULT_PREFIX, schema: str | None = None) -> list[Migration]:
    """Return the migrations in order, as SQL text, for those who run them through another tool.

    ``backend`` is ``postgresql``, ``mysql``, ``mariadb`` or ``sqlite``. It is what `migrate` and
    `rollback` run, the note in the table of migrations included, so that either way of applying a step
    counts for all. Raises `ConfigurationError` and `InvalidTablePrefix`.
    """
    database = DATABASES.get(OTHER_NAMES.get(backend, backend))
    if database is None:
        raise ConfigurationError("backend", backend, f"give {NAMES}")
    family = database.backend
    naming = Naming(prefix, schema)
    check_naming(family, naming)
    catalog = Catalog.load(family, naming, variant=database.variant)
    steps = load_migrations(family, naming)
    return [noted(step, catalog, first=step is steps[0]) for step in steps]


def noted(step: Migration, catalog: Catalog, *, first: bool) -> Migration:
    """Return a step whose scripts do by themselves what the runner writes down about the plain ones."""

    def note(statement: str) -> str:
        return catalog[statement].compact.replace(":name", f"'{step.name}'")

    end = note("drop_migrations_table" if first else "forget_migration")
    return Migration(
        step.name,
        f"{note('create_migrations_table')};\n\n{step.up}\n{note('record_migration')};\n",
        f"{step.down}\n{end};\n",
    )


def load_migrations(family: str, naming: Naming) -> list[Migration]:
    """Read and render the migrations of one of the folders of ``sql/``."""
    names = [file.removesuffix(UP) for file in list_sql(family, "migrations") if file.endswith(UP)]

    def text(name: str, suffix: str) -> str:
        return naming.render(read_sql(family, f"migrations/{name}{suffix.removesuffix('.sql')}"))

    return [Migration(name, text(name, UP), text(name, DOWN)) for name in names]


def migrate(target: object, *, prefix: str = DEFAULT_PREFIX, schema: str | None = None) -> list[str]:
    """Create or upgrade the tables; return the names of the migrations that were applied now.

    Idempotent, and safe to run from any number of processes at once. ``schema`` names an existing
    schema of PostgreSQL. Raises `ConfigurationError`, `InvalidTablePrefix`, `MissingDriver`,
    `UnsupportedServer`, and `DatabaseError` with its kinds: `ConnectionLost`, `PermissionRefused`,
    `ReadOnlyServer`, `Contention`.
    """
    backend = open_backend(target, naming=Naming(prefix, schema), pool_size=1)
    try:
        backend.check_server()
        return backend.migrate([(step.name, step.up) for step in steps_of(backend)])
    finally:
        backend.close()


def rollback(target: object, *, prefix: str = DEFAULT_PREFIX, schema: str | None = None) -> list[str]:
    """Drop the tables **with all they hold**; return the names of the migrations that were undone.

    Raises what `migrate` raises.
    """
    backend = open_backend(target, naming=Naming(prefix, schema), pool_size=1)
    try:
        if _is_missing(target):
            return []
        backend.check_server()
        return backend.rollback([(step.name, step.down) for step in reversed(steps_of(backend))])
    finally:
        backend.close()


def check_file(target: object, backend: Backend) -> None:
    """Raise `SchemaNotReady` for a file that does not exist: the first connection would create it, empty."""
    if _is_missing(target):
        raise SchemaNotReady([step.name for step in steps_of(backend)], _command(backend.naming))


def _is_missing(target: object) -> bool:
    file = file_of_url(target) if isinstance(target, str) else None
    # Without its folder nothing would be created, and the server's own words say so.
    return file is not None and file.parent.exists() and not file.exists()


def steps_of(backend: Backend) -> list[Migration]:
    """Return the migrations of an open backend."""
    return load_migrations(backend.catalog.backend, backend.naming)


def check_schema(backend: Backend) -> None:
    """Raise `SchemaNotReady`, naming what to run, unless every migration is applied.

    Raises `ConfigurationError` where row-level security hides the tables from this user.
    """
    hidden = [row.table_name for row in filtered_tables(backend) if not row.has_policy]
    if hidden:
        problem = (
            "row-level security shows this user no row of it; create a policy for the user, give it "
            "BYPASSRLS, or switch row-level security off for these tables"
        )
        raise ConfigurationError("tables", ", ".join(hidden), problem)
    applied = set(backend.applied_migrations() or ())
    missing = [step.name for step in steps_of(backend) if step.name not in applied]
    if missing:
        raise SchemaNotReady(missing, _command(backend.naming))


def filtered_tables(backend: Backend) -> list[Any]:
    """Return the tables of which policies show this user some rows only: ``(table_name, has_policy)``."""
    if "filtered_tables" not in backend.catalog:
        return []
    return backend.query("filtered_tables", tables=[backend.naming.table(name) for name in sorted(TABLES)])


def _command(naming: Naming) -> str:
    options = "" if naming.prefix == DEFAULT_PREFIX else f", prefix={naming.prefix!r}"
    options += "" if naming.schema is None else f", schema={naming.schema!r}"
    return f"outbox.migrate(target{options})"
