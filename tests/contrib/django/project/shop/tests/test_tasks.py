"""The backend of Django's Tasks."""

from contextlib import suppress
from datetime import datetime, timedelta

from asgiref.sync import async_to_sync
from django.db import transaction
from django.test import TestCase
from django.utils import timezone

from outbox.contrib.django import box, enqueue
from outbox.testing import drain


class Tasks(TestCase):
    """What Django expects of a backend of its Tasks, and what this one adds."""

    def setUp(self):
        from shop import tasks

        self.tasks = tasks
        tasks.ran.clear()

    def _signals(self):
        from outbox.contrib.django import task_framework as tasks

        told = []
        receivers = []
        for name in ("task_enqueued", "task_started", "task_finished"):

            def receiver(sender, task_result, name=name, **kwargs):
                told.append((name, str(task_result.status)))

            getattr(tasks, name).connect(receiver)
            receivers.append(receiver)
        self._kept = receivers
        return told

    def test_a_task_is_run_with_its_arguments_and_its_signals_are_sent(self):
        told = self._signals()
        result = self.tasks.note.enqueue(1, name="Anna")
        self.assertEqual(
            (str(result.status), result.args, result.kwargs, result.attempts),
            ("READY", [1], {"name": "Anna"}, 0),
        )
        self.assertLess(len(result.id), 64)
        self.assertIsNotNone(result.enqueued_at)
        self.assertEqual(drain(box).processed, 1)
        self.assertEqual(self.tasks.ran, [((1,), {"name": "Anna"})])
        self.assertEqual(
            told, [("task_enqueued", "READY"), ("task_started", "RUNNING"), ("task_finished", "SUCCESSFUL")]
        )

    def test_a_failed_task_is_tried_again_and_knows_its_attempt(self):
        self.tasks.flaky.enqueue("Anna")
        self.assertEqual(drain(box).retried, 1)
        drain(box)
        self.assertEqual(self.tasks.ran, [("Anna", 1), ("Anna", 2)])

    def test_a_task_that_fails_for_good_is_a_dead_letter(self):
        told = self._signals()
        self.tasks.hopeless.enqueue()
        drain(box)
        self.assertNotIn(("task_finished", "FAILED"), told)
        self.assertEqual(drain(box).dead_lettered, 1)
        self.assertEqual(told[-1], ("task_finished", "FAILED"))
        self.tasks.hopeless.using(max_attempts=1).enqueue()
        self.assertEqual(drain(box).dead_lettered, 1)

    def test_tasks_of_one_key_run_in_order(self):
        for number in range(20):
            self.tasks.note.using(key="Anna").enqueue(number)
        drain(box)
        self.assertEqual([args[0] for args, _ in self.tasks.ran], list(range(20)))

    def test_a_coroutine_is_run_and_enqueued_from_one(self):
        self.tasks.later.enqueue(1)
        async_to_sync(self.tasks.later.aenqueue)(2)
        drain(box)
        self.assertEqual(sorted(self.tasks.ran), [1, 2])

    def test_a_task_waits_until_it_is_due(self):
        self.tasks.note.using(run_after=timezone.now() + timedelta(hours=1)).enqueue()
        self.assertEqual(drain(box).processed, 0)

    def test_a_task_goes_with_its_transaction(self):
        with suppress(ValueError), transaction.atomic():
            self.tasks.note.enqueue()
            raise ValueError
        self.assertEqual(drain(box).processed, 0)

    def test_what_django_refuses_is_refused(self):
        from outbox.contrib.django.task_framework import InvalidTask

        for changes in (
            {"priority": 10},
            {"queue_name": "nowhere"},
            {"run_after": datetime(2030, 1, 1)},
            {"max_attempts": 0},
        ):
            with self.subTest(changes), self.assertRaises(InvalidTask):
                self.tasks.note.using(**changes)
        for value in (object(), {1, 2}):
            with self.subTest(value), self.assertRaises((TypeError, ValueError)):
                self.tasks.note.enqueue(value)
        with self.assertRaises(NotImplementedError):
            self.tasks.note.get_result("1")

    def test_only_tasks_are_run(self):
        enqueue(
            "tasks-default",
            {
                "task": "shop.tasks.no_task",
                "id": "1",
                "args": [],
                "kwargs": {},
                "enqueued_at": "2026-01-01T00:00:00+00:00",
                "max_attempts": None,
            },
        )
        self.assertEqual(drain(box).dead_lettered, 1)
        self.assertEqual(self.tasks.ran, [])
