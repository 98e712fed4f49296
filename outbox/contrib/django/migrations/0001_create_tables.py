"""The tables of the outbox's migration of this name; the models come with the next one."""

from typing import ClassVar

from django.db import migrations

from outbox.contrib.django.operations import OutboxMigration


class Migration(migrations.Migration):
    """Create the tables."""

    initial = True
    dependencies: ClassVar = []
    operations: ClassVar = [OutboxMigration("0001_create_tables")]
