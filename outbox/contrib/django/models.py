"""The outbox's tables as models, to be read, and so that ``flush`` knows them.

Where the key of a table has several columns, the model's is the one that tells rows apart, or the first:
composite keys came with Django 5.2, and nothing looks a row up by it. Who the outbox is (its installation and
epochs) has no model: it is not emptied with the messages.
"""

from __future__ import annotations

from django.db import models

from outbox.contrib.django.conf import table
from outbox.contrib.django.fields import TimeField
from outbox.contrib.django.readonly import ReadOnlyModel


class Message(ReadOnlyModel):
    """A message that was enqueued and is not cleared away yet."""

    id = models.BigAutoField(primary_key=True)
    payload = models.BinaryField()
    payload_type = models.CharField(max_length=1024)
    headers = models.TextField(null=True)
    created_at = TimeField()
    message_key = models.TextField("key", null=True)
    uid = models.CharField(max_length=128, null=True)
    origin = models.CharField(max_length=128, null=True)

    class Meta(ReadOnlyModel.Meta):
        db_table = table("body")

    def __str__(self) -> str:
        return f"message {self.pk}"


class Partition(ReadOnlyModel):
    """A partition of a queue."""

    id = models.BigAutoField(primary_key=True)
    queue = models.CharField(max_length=1024)
    partition = models.SmallIntegerField()
    sequence = models.BigIntegerField("last number")

    class Meta(ReadOnlyModel.Meta):
        db_table = table("partitions")

    def __str__(self) -> str:
        return f"{self.queue}/{self.partition}"


class DeadLetter(ReadOnlyModel):
    """A message that was given up."""

    id = models.BigAutoField(primary_key=True)
    message_id = models.BigIntegerField()
    partition = models.ForeignKey(
        Partition, models.DO_NOTHING, db_column="partition_id", db_constraint=False, db_index=False
    )
    seq = models.BigIntegerField()
    payload = models.BinaryField()
    payload_type = models.CharField(max_length=1024)
    headers = models.TextField(null=True)
    created_at = TimeField()
    failed_at = TimeField()
    first_failed_at = TimeField(null=True)
    last_error = models.TextField(null=True)
    fingerprint = models.CharField(max_length=255, null=True)
    attempts = models.IntegerField()
    status = models.CharField(max_length=16)
    completed_at = TimeField(null=True)
    deadline = TimeField(null=True)
    claim = models.CharField(max_length=64, null=True)
    message_key = models.TextField("key", null=True)
    uid = models.CharField(max_length=128, null=True)
    origin = models.CharField(max_length=128, null=True)

    class Meta(ReadOnlyModel.Meta):
        db_table = table("dead_letters")
        permissions = (("operate_outbox", "Can requeue, replay and discard messages"),)

    def __str__(self) -> str:
        return f"dead letter {self.pk}"


class Cursor(ReadOnlyModel):
    """How far a partition is delivered."""

    partition_id = models.BigIntegerField(primary_key=True)
    processed_seq = models.BigIntegerField()
    attempts = models.IntegerField()
    last_error = models.TextField(null=True)

    class Meta(ReadOnlyModel.Meta):
        db_table = table("processor")


class Incoming(ReadOnlyModel):
    """A message without a number yet."""

    body_id = models.BigIntegerField(primary_key=True)
    partition_id = models.BigIntegerField()

    class Meta(ReadOnlyModel.Meta):
        db_table = table("incoming")


class Outgoing(ReadOnlyModel):
    """A message with its number in its partition."""

    body_id = models.BigIntegerField(primary_key=True)
    partition_id = models.BigIntegerField()
    seq = models.BigIntegerField()
    sequenced_at = TimeField()

    class Meta(ReadOnlyModel.Meta):
        db_table = table("outgoing")


class VacuumCursor(ReadOnlyModel):
    """How far a partition is cleared away."""

    partition_id = models.BigIntegerField(primary_key=True)
    vacuumed_seq = models.BigIntegerField()

    class Meta(ReadOnlyModel.Meta):
        db_table = table("vacuum")


class Failure(ReadOnlyModel):
    """A count of failures, for the quarantine."""

    partition_id = models.BigIntegerField(primary_key=True)
    seq = models.BigIntegerField()
    failure_count = models.IntegerField()

    class Meta(ReadOnlyModel.Meta):
        db_table = table("failures")


class QueueSetting(ReadOnlyModel):
    """What was set for a queue while workers run."""

    queue = models.TextField(primary_key=True)
    state = models.CharField(max_length=16)

    class Meta(ReadOnlyModel.Meta):
        db_table = table("queues")


class Pause(ReadOnlyModel):
    """A queue, partition or key that is not delivered for now."""

    id = models.BigAutoField(primary_key=True)
    queue = models.CharField(max_length=1024)
    partition = models.SmallIntegerField(null=True)
    message_key = models.TextField("key", null=True)
    reason = models.TextField(null=True)
    ends_at = TimeField(null=True)

    class Meta(ReadOnlyModel.Meta):
        db_table = table("pauses")


class Delayed(ReadOnlyModel):
    """A message that is not due yet."""

    body_id = models.BigIntegerField(primary_key=True)
    partition_id = models.BigIntegerField()
    due_at = TimeField()

    class Meta(ReadOnlyModel.Meta):
        db_table = table("delayed")


class Deduplication(ReadOnlyModel):
    """A key under which a message was enqueued."""

    body_id = models.BigIntegerField(primary_key=True)
    queue = models.CharField(max_length=1024)
    expires_at = TimeField()

    class Meta(ReadOnlyModel.Meta):
        db_table = table("dedup")


class History(ReadOnlyModel):
    """When a partition had been delivered up to a number."""

    partition_id = models.BigIntegerField(primary_key=True)
    seq = models.BigIntegerField()
    delivered_by = TimeField()

    class Meta(ReadOnlyModel.Meta):
        db_table = table("history")


class ParkedKey(ReadOnlyModel):
    """A key whose messages wait apart."""

    partition_id = models.BigIntegerField(primary_key=True)
    state = models.CharField(max_length=16)

    class Meta(ReadOnlyModel.Meta):
        db_table = table("parked_keys")


class ParkedMessage(ReadOnlyModel):
    """A message of a parked key."""

    message_id = models.BigIntegerField(primary_key=True)
    partition_id = models.BigIntegerField()
    seq = models.BigIntegerField()

    class Meta(ReadOnlyModel.Meta):
        db_table = table("parked")
