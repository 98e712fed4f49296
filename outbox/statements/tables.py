"""Put the user's prefix and schema into SQL text that is written with the default names.

The files say ``outbox_body``; a prefix ``shop`` makes that ``shop_body`` and a schema ``app``
``app.shop_body``. Words are replaced whole and only from a closed list, so that a typing mistake
in a file is an error here and not a table that does not exist in production.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from outbox.errors import ConfigurationError, OutboxError
from outbox.values.validation import validate_prefix

DEFAULT_PREFIX = "outbox"

TABLES = frozenset(
    {
        "body",
        "partitions",
        "incoming",
        "outgoing",
        "processor",
        "vacuum",
        "dead_letters",
        "failures",
        "migrations",
        "installation",
        "epochs",
        "queues",
        "pauses",
        "delayed",
        "dedup",
        "history",
        "parked_keys",
        "parked",
    }
)

# A receiver's, created apart from the outbox's own.
RECEIVER_TABLES = frozenset({"inbox"})

# Names that live beside the tables (indexes, constraints, a channel): prefixed, never qualified by a schema.
# With the longest prefix (36) and its underscore they must stay within 63 characters.
NAMES = frozenset({"dead_letters_listed", "dead_letters_state", "wakeup", "delayed_due", "dedup_expires"})
# SQLite has a view of each table with times, in which they can be read.
WITH_TIMES = (
    "body",
    "outgoing",
    "processor",
    "dead_letters",
    "failures",
    "delayed",
    "dedup",
    "pauses",
    "parked",
)
NAMES |= {f"{table}_readable" for table in WITH_TIMES}

WORD = re.compile(r"\boutbox_([a-z_]+)\b")
SCHEMA = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}\Z")


@dataclass(frozen=True)
class Naming:
    """The prefix and schema of one family of tables; validated on construction."""

    prefix: str = DEFAULT_PREFIX
    schema: str | None = None
    _cache: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        validate_prefix(self.prefix)
        schema: object = self.schema
        if schema is not None and not (isinstance(schema, str) and SCHEMA.match(schema)):
            problem = "it is not a plain identifier; use letters, digits and underscores, at most 63"
            raise ConfigurationError("schema", schema, problem)

    def table(self, name: str) -> str:
        """Return the full name of one of `TABLES` or `RECEIVER_TABLES`."""
        qualifier = f'"{self.schema}".' if self.schema else ""
        return f"{qualifier}{self.prefix}_{name}"

    def render(self, sql: str) -> str:
        """Replace every default name in ``sql``; an unknown ``outbox_…`` word raises `OutboxError`."""
        return WORD.sub(self._replace, sql)

    def _replace(self, match: re.Match[str]) -> str:
        name = match.group(1)
        if name in TABLES or name in RECEIVER_TABLES:
            return self.table(name)
        if name in NAMES:
            return f"{self.prefix}_{name}"
        msg = f"the SQL names outbox_{name}, which is neither a table nor an index of this library"
        raise OutboxError(msg)


# What may stand between quotes in every form of a statement: neither a quote nor what marks a parameter.
QUOTABLE = re.compile(r"[\w $.-]+\Z")


@dataclass(frozen=True)
class QualifiedNaming(Naming):
    """The same tables in a schema, a database or an attached file whose name the server gave."""

    quote: str = '"'

    def __post_init__(self) -> None:
        validate_prefix(self.prefix)
        if self.schema is None or not QUOTABLE.match(self.schema):
            msg = f"the name {self.schema!r} cannot be put into a statement"
            raise OutboxError(msg)

    def table(self, name: str) -> str:
        """Return the full name of one of the tables."""
        return f"{self.quote}{self.schema}{self.quote}.{self.prefix}_{name}"
