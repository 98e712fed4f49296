"""What Django says of the project: migrations and checks."""

import io
from unittest import mock

from django.core.management import call_command
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase

from outbox import QueueNotRegistered, SchemaNotReady
from outbox.contrib.django import box, builder, enqueue
from outbox.testing import drain


class Migrations(TestCase):
    def test_the_models_are_those_of_the_migrations(self):
        call_command("makemigrations", "--check", "--dry-run", verbosity=0)

    def test_every_column_of_a_model_is_in_its_table(self):
        from django.apps import apps

        for model in apps.get_app_config("outbox").get_models():
            with self.subTest(model.__name__), connection.cursor() as cursor:
                columns = {
                    column.name
                    for column in connection.introspection.get_table_description(cursor, model._meta.db_table)
                }
                self.assertLessEqual({field.column for field in model._meta.concrete_fields}, columns)


class MigratedBack(TransactionTestCase):
    def test_sqlmigrate_shows_every_statement(self):
        shown = io.StringIO()
        call_command("sqlmigrate", "outbox", "0001", stdout=shown)
        call_command("sqlmigrate", "outbox", "0002", stdout=shown)
        for name in ("outbox_body", "outbox_partitions", "outbox_parked", "message_key"):
            self.assertIn(name, shown.getvalue())

    def test_the_tables_come_and_go_with_their_migrations(self):
        box.close()
        call_command("migrate", "outbox", "zero", verbosity=0)
        with self.assertRaises(SchemaNotReady):
            builder().open()
        call_command("migrate", "outbox", verbosity=0)
        with transaction.atomic():
            enqueue("orders", {"id": 1})
        self.assertEqual(drain(box).processed, 1)


class Checks(TestCase):
    databases = {"default"}

    def _ids(self, **settings):
        from outbox.contrib.django.checks import check_settings

        with self.settings(**settings):
            return {message.id for message in check_settings()}

    def test_the_project_is_sound(self):
        from django.core.checks import run_checks

        found = run_checks(databases=["default"])
        self.assertEqual([message for message in found if message.id != "outbox.W001"], [])

    def test_each_mistake_has_an_id(self):
        self.assertEqual(self._ids(OUTBOX={"default": {"DATABASES": "default"}}), {"outbox.E002"})
        self.assertEqual(self._ids(OUTBOX={"default": {"DATABASE": "away"}}), {"outbox.E005"})
        self.assertIn("outbox.E001", self._ids(OUTBOX={"default": {"BUILDER": "shop.nowhere.declare"}}))
        self.assertIn("outbox.E001", self._ids(OUTBOX={"default": {"BUILDER": "shop.outbox.ship"}}))
        self.assertIn(
            "outbox.W003",
            self._ids(TASKS={}, OUTBOX={"default": {"BUILDER": "shop.tests.test_project.no_queue"}}),
        )

    def test_a_pool_that_workers_would_wait_for_is_told_of(self):
        options = connection.settings_dict["OPTIONS"]
        expected = {"outbox.W002"} if connection.vendor == "postgresql" else set()
        for pool, found in ((True, expected), ({"max_size": 7}, expected), ({"max_size": 8}, set())):
            with mock.patch.dict(options, {"pool": pool}):
                self.assertEqual(self._ids() & {"outbox.W002"}, found, pool)

    def test_a_box_follows_the_settings(self):
        with (
            self.settings(OUTBOX={"default": {"BUILDER": "shop.tests.test_project.one_queue"}}),
            self.assertRaises(QueueNotRegistered),
        ):
            enqueue("orders", {"id": 1})
        enqueue("orders", {"id": 1})


def no_queue(builder):
    return builder


def one_queue(builder):
    return builder.queue("books", 2).enqueue_only()
