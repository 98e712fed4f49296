"""What each role needs to be allowed, as SQL for the database's administrator."""

from __future__ import annotations

import re

from outbox.backends.connect import DATABASES, NAMES, OTHER_NAMES
from outbox.errors import ConfigurationError
from outbox.statements import Naming
from outbox.statements.catalog import read_folder
from outbox.statements.dialect import DIALECTS
from outbox.statements.tables import DEFAULT_PREFIX

ROLES = ("owner", "producer", "worker", "monitor")


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
    kind = DATABASES.get(OTHER_NAMES.get(backend, backend))
    if kind is None:
        raise ConfigurationError("backend", backend, f"give {NAMES}")
    dialect = DIALECTS[kind.backend]
    if dialect.is_embedded:
        raise ConfigurationError("backend", backend, "SQLite has no users: its rights are the file's")
    if role not in ROLES:
        raise ConfigurationError("role", role, f"choose one of {', '.join(ROLES)}")
    statement = read_folder(kind.backend, ["grants"], Naming(prefix, schema))[f"grant_{role}"]
    values = {":role": dialect.grantee(user), ":schema": dialect.granted_in(schema, database)}
    text = re.sub(":role|:schema", lambda found: values[found[0]], statement.compact)
    return [command.strip() for command in text.split(";")]
