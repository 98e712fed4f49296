"""System checks; their ids are never given to another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from django import VERSION
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name

from outbox.contrib.django.conf import OutboxSettings, outbox_settings
from outbox.errors import OutboxError, SchemaNotReady

ROUTER = "outbox.contrib.django.router.OutboxRouter"
# Connections of the workers with PROCESSORS processor threads, on Django's connections: one for each thread.
THREADS, PROCESSORS = 8, 4
# What psycopg's pool has unless told otherwise.
POOL_SIZE = 4
# The drivers of the workers, by vendor, and the package that has each.
DRIVERS = {"postgresql": ("psycopg", "psycopg[binary]"), "mysql": ("MySQLdb", "mysqlclient")}


@register("outbox")
def check_settings(**_: Any) -> list[CheckMessage]:
    """Look at ``OUTBOX`` and what it names, without a database."""
    try:
        entries = outbox_settings()
    except OutboxError as error:
        return [Error(str(error), hint="Look at OUTBOX in the settings.", id="outbox.E002")]
    return [message for entry in entries.values() for message in of_entry(entry)]


def of_entry(entry: OutboxSettings) -> Iterator[CheckMessage]:
    """Yield what is wrong with one entry."""
    from django.db import connections

    if entry.database not in connections.settings:
        hint = f"DATABASES has {', '.join(connections.settings)}."
        msg = f"OUTBOX[{entry.name!r}]: there is no database {entry.database!r}"
        yield Error(msg, hint=hint, id="outbox.E005")
        return
    connection = connections[entry.database]
    yield from of_builder(entry)
    yield from of_router(entry)
    yield from of_connection(entry, connection)
    yield from of_pool(entry, connection)


def of_builder(entry: OutboxSettings) -> Iterator[CheckMessage]:
    """Yield what keeps the queues from being declared."""
    from outbox.contrib.django.declaring import declared

    try:
        options = declared(entry).options
    except Exception as error:
        where = entry.builder or "the modules named outbox of the installed apps"
        msg = f"OUTBOX[{entry.name!r}]: {where} cannot be used: {type(error).__name__}: {error}"
        hint = "BUILDER names a function that takes the builder and returns it."
        yield Error(msg, hint=hint, id="outbox.E001")
        return
    if not options.declarations:
        hint = "Write a function declare(builder) into the module outbox of one of your apps, or set BUILDER."
        yield Warning(f"OUTBOX[{entry.name!r}] declares no queue", hint=hint, id="outbox.W003")


def of_router(entry: OutboxSettings) -> Iterator[CheckMessage]:
    """Yield a missing router: the tables would be made in the default database, and read there."""
    from django.db import router

    if not router.allow_migrate(entry.database, "outbox") or (
        entry.database != "default" and router.allow_migrate("default", "outbox") and not serves_default()
    ):
        msg = f"OUTBOX[{entry.name!r}] is in the database {entry.database!r}, and no router leads there"
        yield Error(msg, hint=f"Add {ROUTER!r} to DATABASE_ROUTERS.", id="outbox.E003")


def serves_default() -> bool:
    """Tell whether one of the outboxes is in the default database."""
    return any(entry.database == "default" for entry in outbox_settings().values())


def of_connection(entry: OutboxSettings, connection: Any) -> Iterator[CheckMessage]:
    """Yield what the workers could not run on."""
    name = f"DATABASES[{entry.database!r}]"
    vendor, options = connection.vendor, connection.settings_dict["OPTIONS"]
    module, package = DRIVERS.get(vendor, ("sqlite3", ""))
    if find_spec(module) is None:
        yield Error(
            f"{name}: the driver {module!r} is missing", hint=f"pip install {package}", id="outbox.E004"
        )
    if not connection.settings_dict["AUTOCOMMIT"]:
        hint = "Leave AUTOCOMMIT at True; atomic blocks and ATOMIC_REQUESTS work as ever."
        yield Error(f"{name}: the outbox ends its own transactions", hint=hint, id="outbox.E006")
    if vendor == "sqlite" and VERSION >= (5, 1) and "transaction_mode" not in options:
        hint = 'Set OPTIONS = {"transaction_mode": "IMMEDIATE"}: the others wait then, instead of failing.'
        msg = f"{name}: a transaction that reads before it writes fails as soon as another one writes"
        yield Warning(msg, hint=hint, id="outbox.W001")


def of_pool(entry: OutboxSettings, connection: Any) -> Iterator[CheckMessage]:
    """Yield a pool (Django 5.1, PostgreSQL) that is too small: workers keep a connection a thread."""
    from outbox.contrib.django.declaring import declared

    pool = connection.settings_dict["OPTIONS"].get("pool")
    if not pool or connection.vendor != "postgresql":
        return
    given = pool if isinstance(pool, dict) else {}
    size = given.get("max_size") or given.get("min_size", POOL_SIZE)
    try:
        options = declared(entry).options
    except Exception:  # E001 says so
        return
    needed = THREADS + max(0, options.processors - PROCESSORS)
    if size < needed and any(one.leased or one.transactional for one in options.declarations):
        hint = f'Set OPTIONS = {{"pool": {{"min_size": 1, "max_size": {needed}}}}}, or more.'
        msg = f"DATABASES[{entry.database!r}]: its pool has {size} connections, and workers keep {needed}"
        yield Warning(msg, hint=hint, id="outbox.W002")


@register("outbox", Tags.database)
def check_databases(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Look at servers and tables; `manage.py check --database default` and `migrate` ask for it."""
    found: list[CheckMessage] = []
    try:
        entries = outbox_settings()
    except OutboxError:  # E002 says so
        return found
    for entry in entries.values():
        if entry.database in (databases or ()):
            found += of_tables(entry)
    return found


def of_tables(entry: OutboxSettings) -> Iterator[CheckMessage]:
    """Yield what is wrong with a database."""
    from outbox.backends.connect import open_backend
    from outbox.contrib.django.target import DjangoDatabase
    from outbox.schema import check_schema

    name = f"DATABASES[{entry.database!r}]"
    try:
        backend = open_backend(DjangoDatabase(entry.database), naming=entry.naming, pool_size=1)
        backend.check_server()
        check_schema(backend)
    except SchemaNotReady as error:
        hint = f"manage.py migrate outbox --database {entry.database}"
        # No error: `migrate` itself asks before it creates them.
        msg = f"{name}: the outbox's tables lack {', '.join(error.missing)}"
        yield Warning(msg, hint=hint, id="outbox.W101")
    except OutboxError as error:
        yield Error(f"{name}: {error}", hint="manage.py outbox doctor tells more.", id="outbox.E102")
