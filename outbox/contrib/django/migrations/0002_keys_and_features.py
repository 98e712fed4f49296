"""The columns and tables of the outbox's migration of this name, and the models of them all."""

from typing import Any, ClassVar

from django.db import migrations, models

from outbox.contrib.django.conf import table
from outbox.contrib.django.fields import TimeField
from outbox.contrib.django.operations import OutboxMigration


def model(name: str, db_table: str, fields: list[tuple[str, Any]], **options: Any) -> migrations.CreateModel:
    """Note a model down; the prefix of its table is that of the settings."""
    given = {"db_table": table(db_table), "abstract": False, "default_permissions": ("view",), **options}
    return migrations.CreateModel(name=name, fields=fields, options=given)


def number(**options: Any) -> Any:
    """Return a bigint."""
    return models.BigIntegerField(**options)


def key(**options: Any) -> Any:
    """Return the bigint that stands for a row."""
    return models.BigIntegerField(primary_key=True, serialize=False, **options)


def identity() -> Any:
    """Return the id that the database gives."""
    return models.BigAutoField(primary_key=True, serialize=False)


def text(length: int, **options: Any) -> Any:
    """Return a short text."""
    return models.CharField(max_length=length, **options)


def name_of_message() -> list[tuple[str, Any]]:
    """Return the columns that this migration adds to a message and to a dead letter."""
    return [
        ("message_key", models.TextField(null=True, verbose_name="key")),
        ("uid", text(128, null=True)),
        ("origin", text(128, null=True)),
    ]


class Migration(migrations.Migration):
    """Add the columns and tables, and say which models there are."""

    dependencies: ClassVar = [("outbox", "0001_create_tables")]
    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            database_operations=[OutboxMigration("0002_keys_and_features")],
            state_operations=[
                model(
                    "Message",
                    "body",
                    [
                        ("id", identity()),
                        ("payload", models.BinaryField()),
                        ("payload_type", text(1024)),
                        ("headers", models.TextField(null=True)),
                        ("created_at", TimeField()),
                        *name_of_message(),
                    ],
                ),
                model(
                    "Partition",
                    "partitions",
                    [
                        ("id", identity()),
                        ("queue", text(1024)),
                        ("partition", models.SmallIntegerField()),
                        ("sequence", number(verbose_name="last number")),
                    ],
                ),
                model(
                    "DeadLetter",
                    "dead_letters",
                    [
                        ("id", identity()),
                        ("message_id", number()),
                        (
                            "partition",
                            models.ForeignKey(
                                "outbox.partition",
                                models.DO_NOTHING,
                                db_column="partition_id",
                                db_constraint=False,
                                db_index=False,
                            ),
                        ),
                        ("seq", number()),
                        ("payload", models.BinaryField()),
                        ("payload_type", text(1024)),
                        ("headers", models.TextField(null=True)),
                        ("created_at", TimeField()),
                        ("failed_at", TimeField()),
                        ("first_failed_at", TimeField(null=True)),
                        ("last_error", models.TextField(null=True)),
                        ("fingerprint", text(255, null=True)),
                        ("attempts", models.IntegerField()),
                        ("status", text(16)),
                        ("completed_at", TimeField(null=True)),
                        ("deadline", TimeField(null=True)),
                        ("claim", text(64, null=True)),
                        *name_of_message(),
                    ],
                    permissions=(("operate_outbox", "Can requeue, replay and discard messages"),),
                ),
                model(
                    "Cursor",
                    "processor",
                    [
                        ("partition_id", key()),
                        ("processed_seq", number()),
                        ("attempts", models.IntegerField()),
                        ("last_error", models.TextField(null=True)),
                    ],
                ),
                model("Incoming", "incoming", [("body_id", key()), ("partition_id", number())]),
                model(
                    "Outgoing",
                    "outgoing",
                    [
                        ("body_id", key()),
                        ("partition_id", number()),
                        ("seq", number()),
                        ("sequenced_at", TimeField()),
                    ],
                ),
                model("VacuumCursor", "vacuum", [("partition_id", key()), ("vacuumed_seq", number())]),
                model(
                    "Failure",
                    "failures",
                    [("partition_id", key()), ("seq", number()), ("failure_count", models.IntegerField())],
                ),
                model(
                    "QueueSetting",
                    "queues",
                    [("queue", models.TextField(primary_key=True, serialize=False)), ("state", text(16))],
                ),
                model(
                    "Pause",
                    "pauses",
                    [
                        ("id", identity()),
                        ("queue", text(1024)),
                        ("partition", models.SmallIntegerField(null=True)),
                        ("message_key", models.TextField(null=True, verbose_name="key")),
                        ("reason", models.TextField(null=True)),
                        ("ends_at", TimeField(null=True)),
                    ],
                ),
                model(
                    "Delayed",
                    "delayed",
                    [("body_id", key()), ("partition_id", number()), ("due_at", TimeField())],
                ),
                model(
                    "Deduplication",
                    "dedup",
                    [("body_id", key()), ("queue", text(1024)), ("expires_at", TimeField())],
                ),
                model(
                    "History",
                    "history",
                    [("partition_id", key()), ("seq", number()), ("delivered_by", TimeField())],
                ),
                model(
                    "ParkedKey",
                    "parked_keys",
                    [("partition_id", key()), ("state", text(16))],
                ),
                model(
                    "ParkedMessage",
                    "parked",
                    [("message_id", key()), ("partition_id", number()), ("seq", number())],
                ),
            ],
        )
    ]
