"""What each role needs to be allowed, as SQL for the database's administrator."""

from __future__ import annotations

import re

from outbox.backends.connect import FAMILIES
from outbox.errors import ConfigurationError
from outbox.statements import Naming
from outbox.statements.catalog import read_folder
from outbox.statements.tables import DEFAULT_PREFIX

ROLES = ("owner", "producer", "worker", "monitor")
# A name of MySQL's family may say from where: 'app'@'10.0.%'.
ACCOUNT = re.compile(r"(?P<user>[^@'`\"\\;]+)(?:@(?P<host>[^@'`\"\\;]+))?\Z")


def grants(
    backend: str,
    role: str,
    user: str,
    *,
    prefix: str = DEFAULT_PREFIX,
    schema: str | None = None,
    database: str | None = None,
) -> list[str]:
    """Return the GRANT commands that let ``user`` do the task of a role, one by one.

    ``backend`` is ``postgresql``, ``mysql`` or ``mariadb``, ``role`` one of `ROLES`. On PostgreSQL the
    tables are those of ``schema`` (``public`` if there is none); on the others ``user`` may be
    ``name@host``, and ``database`` must be given. Connects to nothing: an administrator runs them in that
    database, or on PostgreSQL the owner of the tables. Raises `ConfigurationError`.
    """
    family = FAMILIES.get(backend)
    if family not in {"postgresql", "mysql"}:
        raise ConfigurationError("backend", backend, "SQLite has no users: its rights are the file's")
    if role not in ROLES:
        raise ConfigurationError("role", role, f"choose one of {', '.join(ROLES)}")
    statement = read_folder(family, ["grants"], Naming(prefix, schema))[f"grant_{role}"]
    values = {":role": account(family, user), ":schema": place(family, schema, database)}
    text = re.sub(":role|:schema", lambda found: values[found[0]], statement.compact)
    return [command.strip() for command in text.split(";")]


def place(family: str, schema: str | None, database: str | None) -> str:
    """Return the name of what holds the tables as GRANT takes it."""
    if family == "postgresql":
        return f'"{schema or "public"}"'
    if database is None or "`" in database:
        raise ConfigurationError("database", database, "name the database that holds the tables")
    # A pattern, in which _ would stand for any character.
    return "`" + database.replace("_", "\\_") + "`"


def account(family: str, user: str) -> str:
    """Return a user's name as GRANT takes it."""
    found = ACCOUNT.match(user)
    if found is None or (family == "postgresql" and found["host"]):
        raise ConfigurationError("user", user, "give the name of a role, without quotes")
    if family == "postgresql":
        return f'"{user}"'
    return f"'{found['user']}'@'{found['host'] or '%'}'"
