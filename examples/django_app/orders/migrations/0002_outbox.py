"""The outbox's tables, in step with the application's own."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import outbox
from orders.pipeline import database_url


def create(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    outbox.migrate(database_url(editor.connection))


def drop(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    outbox.rollback(database_url(editor.connection))


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]  # noqa: RUF012 - as Django wants it
    # The outbox migrates on a connection of its own, which must not wait for this one.
    atomic = False
    operations = [migrations.RunPython(create, drop)]  # noqa: RUF012 - the same
