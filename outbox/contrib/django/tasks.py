"""A backend of Django's Tasks: `django.tasks` from Django 6.0 on, the package django-tasks before it.

::

    TASKS = {"default": {"BACKEND": "outbox.contrib.django.tasks.OutboxBackend", "QUEUES": ["default"]}}

A task is enqueued in the open ``atomic`` block, or in one of its own. Tasks of one key run in the order in
which they were enqueued (with ``send.using(key="Anna").enqueue(…)``). One that fails is tried again, holding
up its partition, and becomes a dead letter after MAX_ATTEMPTS. ``manage.py outbox run`` runs them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.core.checks import CheckMessage, Error
from django.db import transaction
from django.utils import timezone

from outbox.contrib.django.boxes import enqueue
from outbox.contrib.django.conf import DEFAULT, outbox_settings
from outbox.contrib.django.running_tasks import PREFIX
from outbox.contrib.django.task_framework import (
    BaseTaskBackend,
    InvalidTask,
    Task,
    TaskResult,
    TaskResultStatus,
    task_enqueued,
)

# Failures after which a task becomes a dead letter, unless it or the backend says otherwise: with
# backoff, that is after some ten minutes of trying.
MAX_ATTEMPTS = 10
if TYPE_CHECKING:
    AnyTask = Task[..., Any]
else:
    AnyTask = Task
OPTIONS = frozenset({"OUTBOX", "PARTITIONS", "MAX_ATTEMPTS"})


@dataclass(frozen=True, kw_only=True)
class OutboxTask(AnyTask):
    """A task with a key, and a limit of its own to the attempts."""

    key: str | None = None
    """Tasks of one key run in order, one after the other."""
    max_attempts: int | None = None

    def using(self, *, key: str | None = None, max_attempts: int | None = None, **changes: Any) -> Any:
        """Return the task with other options; those of Django's, ``key`` and ``max_attempts``."""
        own = {"key": key, "max_attempts": max_attempts}
        given = {name: value for name, value in {**own, **changes}.items() if value is not None}
        return replace(self, **given)


class OutboxBackend(BaseTaskBackend):
    """Enqueues tasks as messages. Results are not kept: what is done is cleared away."""

    task_class: Any = OutboxTask
    supports_defer = True
    supports_async_task = True

    @property
    def box(self) -> str:
        """The name of the outbox in ``OUTBOX``."""
        name: str = self.options.get("OUTBOX", DEFAULT)
        return name

    @property
    def max_attempts(self) -> int:
        """The failures after which a task becomes a dead letter."""
        return int(self.options.get("MAX_ATTEMPTS", MAX_ATTEMPTS))

    def validate_task(self, task: Any) -> None:
        """Check what Django checks, and the task's own options."""
        super().validate_task(task)
        limit = getattr(task, "max_attempts", None)
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            msg = f"max_attempts must be a whole number of at least 1, not {limit!r}."
            raise InvalidTask(msg)

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Write the task in the open ``atomic`` block, or in one of its own; return what is known of it."""
        self.validate_task(task)
        result = TaskResult(
            task=task,
            id=uuid4().hex,
            status=TaskResultStatus.READY,
            enqueued_at=timezone.now(),
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=args,
            kwargs=kwargs,
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
        payload = {
            "task": task.module_path,
            "id": result.id,
            "args": result.args,
            "kwargs": result.kwargs,
            "enqueued_at": result.enqueued_at.isoformat(),
            "max_attempts": task.max_attempts,
        }
        # As Django's own backends refuse it: with a TypeError.
        json.dumps(payload)
        with transaction.atomic(using=outbox_settings()[self.box].database):
            enqueue(
                f"{PREFIX}{task.queue_name}",
                payload,
                using=self.box,
                key=task.key,
                deliver_after=task.run_after,
            )
        task_enqueued.send_robust(type(self), task_result=result)
        return result

    def check(self, **_: Any) -> Iterator[CheckMessage]:
        """Look at the backend's part of TASKS; `manage.py check` asks for it."""
        where = f"TASKS[{self.alias!r}]"
        if not self.queues:
            hint = "Name them in QUEUES: the workers declare each."
            yield Error(
                f"{where}: a backend without queues takes any, and none is run", hint=hint, id="outbox.E007"
            )
        for option in sorted(set(self.options) - OPTIONS):
            hint = f"There are {', '.join(sorted(OPTIONS))}."
            yield Error(f"{where}: there is no option {option!r}", hint=hint, id="outbox.E008")
        if self.box not in outbox_settings():
            yield Error(
                f"{where}: OUTBOX has no {self.box!r}", hint="See the option OUTBOX.", id="outbox.E009"
            )
