"""The outbox's tables in an application's metadata: to be read, and never created by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from sqlalchemy import (
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    event,
)

from outbox.contrib.sqlalchemy.types import BIG, BYTES, FLOAT, KEY, LONG, SMALL, Key, Moment, short
from outbox.errors import OutboxError
from outbox.statements import Naming
from outbox.statements.tables import DEFAULT_PREFIX

Tables: TypeAlias = Mapping[str, Table]
"""The tables by their names without the prefix: ``tables["dead_letters"]``."""

NOT_CREATED = (
    "the tables of the outbox are made by its migrations: run outbox.migrate(engine), or Alembic's "
    "op.outbox_upgrade, before metadata.create_all(), which leaves out what exists"
)


def tables(metadata: MetaData, *, prefix: str = DEFAULT_PREFIX, schema: str | None = None) -> Tables:
    """Add the outbox's tables to ``metadata``; return them by their names without the prefix.

    For queries, joins and ``alembic check``. Times are read as aware `datetime` objects on every database.
    Write through the outbox alone. ``create_all`` on a database that lacks them raises `OutboxError`.
    """
    naming = Naming(prefix, schema)
    made: dict[str, Table] = {}
    for name, columns in columns_of(naming).items():
        made[name] = Table(f"{naming.prefix}_{name}", metadata, *columns, schema=schema)
        event.listen(made[name], "before_create", refuse)
    return made


def refuse(*_: Any, **__: Any) -> None:
    """Refuse to create a table that would lack the half of what its migration gives it."""
    raise OutboxError(NOT_CREATED)


def columns_of(naming: Naming) -> dict[str, list[Any]]:
    """Return the columns, constraints and indexes of each table."""
    prefix = naming.prefix
    return {
        "body": [
            number("id", key=True),
            *message(),
            moment("created_at"),
            text("message_key", KEY),
            *names(),
        ],
        "partitions": [
            number("id", key=True),
            queue(),
            Column("partition", SMALL, nullable=False),
            number("sequence"),
            moment("retired_at", null=True),
            UniqueConstraint("queue", "partition"),
        ],
        "incoming": [number("partition_id", key=True), number("body_id", key=True)],
        "outgoing": [*place(), number("body_id"), moment("sequenced_at")],
        "processor": [
            number("partition_id", key=True),
            number("processed_seq"),
            Column("attempts", Integer, nullable=False),
            text("last_error", Text()),
            text("locked_by", short(128)),
            moment("locked_until", null=True),
            moment("failing_since", null=True),
            number("parking", null=True),
        ],
        "vacuum": [
            number("partition_id", key=True),
            number("vacuumed_seq"),
            moment("rests_until", null=True),
        ],
        "dead_letters": [*dead_letter(), Index(f"{prefix}_dead_letters_listed", "status", "id")],
        "failures": [
            *place(),
            Column("failure_count", Integer, nullable=False),
            moment("first_failed_at"),
            moment("last_failed_at"),
            text("last_error", Text()),
            text("message_key", KEY),
        ],
        "migrations": [Column("name", short(128), primary_key=True), moment("applied_at")],
        **features(prefix),
    }


def features(prefix: str) -> dict[str, list[Any]]:
    """Return those of the tables that stand on top of the pipeline."""
    return {
        "installation": [
            Column("id", SMALL, primary_key=True),
            Column("installation", short(32), nullable=False),
            Column("epoch", Integer, nullable=False),
            text("history", short(64)),
            number("revision"),
            moment("created_at"),
        ],
        "epochs": [
            Column("epoch", Integer, primary_key=True, autoincrement=False),
            number("partition_id", key=True),
            number("last_number"),
        ],
        "queues": [
            Column("queue", short(1024), primary_key=True),
            Column("state", short(16), nullable=False),
            *(number(name, null=True) for name in ("keep_us", "rate_count", "rate_per_us")),
            Column("rate_tokens", FLOAT),
            moment("rate_at", null=True),
            text("renamed_to", short(1024)),
            moment("created_at"),
        ],
        "pauses": [
            number("id", key=True),
            queue(),
            Column("partition", SMALL),
            text("message_key", KEY),
            text("reason", Text()),
            moment("ends_at", null=True),
            moment("paused_at"),
        ],
        "delayed": [
            number("partition_id", key=True),
            Column("due_at", Moment, primary_key=True),
            number("body_id", key=True),
            Index(f"{prefix}_delayed_due", "due_at", "partition_id"),
        ],
        "dedup": [
            Column("queue", short(1024), primary_key=True),
            Column("dedup_key", Key, primary_key=True),
            number("body_id"),
            moment("expires_at"),
            Index(f"{prefix}_dedup_expires", "expires_at"),
        ],
        "history": [*place(), moment("delivered_by")],
        "parked_keys": [
            number("partition_id", key=True),
            Column("message_key", Key, primary_key=True),
            Column("state", short(16), nullable=False),
            number("until_seq", null=True),
            moment("parked_at"),
        ],
        "parked": [
            number("partition_id", key=True),
            Column("message_key", Key, primary_key=True),
            number("seq", key=True),
            number("message_id"),
            *names(),
            *message(),
            moment("created_at"),
            moment("parked_at"),
            *failure(),
        ],
    }


def dead_letter() -> list[Column[Any]]:
    """Return what a dead letter has."""
    return [
        number("id", key=True),
        number("message_id"),
        number("partition_id"),
        number("seq"),
        *message(),
        moment("created_at"),
        moment("failed_at"),
        *failure(),
        Column("status", short(16), nullable=False),
        moment("completed_at", null=True),
        moment("deadline", null=True),
        text("claim", short(64)),
        text("message_key", KEY),
        *names(),
    ]


def message() -> list[Column[Any]]:
    """Return what was enqueued."""
    return [
        Column("payload", BYTES, nullable=False),
        Column("payload_type", short(1024), nullable=False),
        text("headers", LONG),
    ]


def failure() -> list[Column[Any]]:
    """Return what is known of a message that failed."""
    return [
        text("last_error", Text()),
        text("fingerprint", short(255)),
        Column("attempts", Integer, nullable=False),
        moment("first_failed_at", null=True),
    ]


def names() -> list[Column[Any]]:
    """Return the names that a message may bring along."""
    return [text("uid", short(128)), text("origin", short(128))]


def place() -> list[Column[Any]]:
    """Return where a message stands in its partition."""
    return [number("partition_id", key=True), number("seq", key=True)]


def queue() -> Column[Any]:
    """Return the name of a queue."""
    return Column("queue", short(1024), nullable=False)


def number(name: str, *, key: bool = False, null: bool = False) -> Column[Any]:
    """Return an id, a sequence number or a count."""
    return Column(name, BIG, primary_key=key, nullable=null)


def moment(name: str, *, null: bool = False) -> Column[Any]:
    """Return a time."""
    return Column(name, Moment, nullable=null)


def text(name: str, kind: Any) -> Column[Any]:
    """Return a text that may be missing."""
    return Column(name, kind, nullable=True)
