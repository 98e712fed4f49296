"""The workers' side of Django's Tasks."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from traceback import format_exception
from typing import Any

from outbox.facade import OutboxBuilder
from outbox.values.message import OutboxMessage
from outbox.values.results import Reject

log = logging.getLogger("outbox.django")

# What stands before the name of a task's queue, so that it is none of the project's own.
PREFIX = "tasks-"
# How many tasks of different keys can be under way at once: as many as a few processes have threads.
PARTITIONS = 16
BACKEND = "outbox.contrib.django.tasks.OutboxBackend"


def with_tasks(builder: OutboxBuilder, box: str) -> OutboxBuilder:
    """Declare the queues of the backends in TASKS that belong to an outbox; none without such a backend."""
    for backend in backends():
        if backend.box != box:
            continue
        partitions = int(backend.options.get("PARTITIONS", PARTITIONS))
        for queue in sorted(backend.queues):
            declared = builder.queue(f"{PREFIX}{queue}", partitions)
            builder = declared.leased(partial(run, backend), max_attempts=backend.max_attempts)
    return builder


def backends() -> Iterator[Any]:
    """Yield our backends of TASKS, without importing a framework of tasks that the project does not use."""
    from django.conf import settings

    given = getattr(settings, "TASKS", None) or {}
    ours = [alias for alias, entry in given.items() if entry.get("BACKEND") == BACKEND]
    if ours:
        from outbox.contrib.django.task_framework import task_backends

        for alias in ours:
            yield task_backends[alias]


def run(backend: Any, msg: OutboxMessage) -> Reject | None:
    """Run a task; a failure is the message's, so that it is tried again, and given up by the same rules."""
    from outbox.contrib.django.task_framework import Task, TaskResultStatus

    known = msg.json()
    task = find(known["task"])
    if not isinstance(task, Task):
        return Reject(f"{known['task']} is no task: code in messages is run only where @task stands")
    last = msg.attempts + 1 >= (known["max_attempts"] or backend.max_attempts)
    result = begun(backend, task, known, msg)
    tell("task_started", backend, result)
    try:
        value = call(task, result)
    except Exception as error:
        if last:
            change(result, status=TaskResultStatus.FAILED, finished_at=now(), errors=[of(error)])
            tell("task_finished", backend, result)
        if last and known["max_attempts"]:
            log.exception("task %s failed for the last time", known["task"], extra=fields_of(msg))
            return Reject(f"{type(error).__name__}: {error}")
        raise
    change(result, status=TaskResultStatus.SUCCESSFUL, finished_at=now(), _return_value=value)
    tell("task_finished", backend, result)
    return None


def fields_of(msg: OutboxMessage) -> dict[str, Any]:
    """Return what a log record of a message has."""
    place = {"event": "outbox.task_failed", "queue": msg.queue, "partition": msg.partition, "seq": msg.seq}
    return {**place, "message_id": msg.id, "key": msg.key, "attempts": msg.attempts + 1}


def find(path: str) -> Any:
    """Return what a path leads to; None if nothing."""
    from django.utils.module_loading import import_string

    try:
        return import_string(path)
    except ImportError:
        return None


def begun(backend: Any, task: Any, known: dict[str, Any], msg: OutboxMessage) -> Any:
    """Return the result of a task that begins now."""
    from outbox.contrib.django.task_framework import TaskResult, TaskResultStatus

    began = now()
    return TaskResult(
        task=task,
        id=known["id"],
        status=TaskResultStatus.RUNNING,
        enqueued_at=datetime.fromisoformat(known["enqueued_at"]),
        started_at=began,
        last_attempted_at=began,
        finished_at=None,
        args=known["args"],
        kwargs=known["kwargs"],
        backend=backend.alias,
        errors=[],
        # Who tried before is not known, only how often: Django counts the attempts by this.
        worker_ids=["earlier"] * msg.attempts + [f"{socket.gethostname()}:{os.getpid()}"],
    )


def call(task: Any, result: Any) -> Any:
    """Call the function, a coroutine too."""
    if not task.takes_context:
        return task.call(*result.args, **result.kwargs)
    from outbox.contrib.django.task_framework import TaskContext

    return task.call(TaskContext(task_result=result), *result.args, **result.kwargs)


def change(result: Any, **values: Any) -> None:
    """Change a frozen result, as Django's own backends do."""
    for name, value in values.items():
        object.__setattr__(result, name, value)


def of(error: BaseException) -> Any:
    """Return an error as a result holds it."""
    from outbox.contrib.django.task_framework import TaskError

    kind = type(error)
    return TaskError(
        exception_class_path=f"{kind.__module__}.{kind.__qualname__}",
        traceback="".join(format_exception(error)),
    )


def tell(signal: str, backend: Any, result: Any) -> None:
    """Send one of the signals; what a receiver raises is logged, and undoes no task."""
    from outbox.contrib.django import task_framework

    for receiver, answer in getattr(task_framework, signal).send_robust(type(backend), task_result=result):
        if isinstance(answer, Exception):
            log.error(
                "a receiver of %s failed: %r",
                signal,
                receiver,
                exc_info=answer,
                extra={"event": "outbox.receiver_failed"},
            )


def now() -> datetime:
    """Return the time as Django keeps it."""
    from django.utils import timezone

    return timezone.now()
