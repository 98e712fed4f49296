"""Errors as one sentence: what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Iterable

import click

from outbox.cli.settings import Settings
from outbox.errors import OutboxError, SchemaNotReady


def no_such_queue(missing: Iterable[str], known: Iterable[str]) -> str:
    """Say that queues do not exist: an empty answer would look like good news."""
    there = ", ".join(sorted(known)) or "none"
    names = ", ".join(repr(name) for name in sorted(missing))
    return f"there is no queue {names} in this database; there are {there}"


def sentence(error: Exception, settings: Settings) -> str:
    """Return what is wrong and what to do."""
    if isinstance(error, SchemaNotReady):
        names = ", ".join(error.missing)
        command = f"outbox schema migrate{settings.options()}"
        return f"the outbox tables are not ready, {names} not applied; run: {command}"
    if isinstance(error, click.UsageError):
        where = f"; see {error.ctx.command_path} --help" if error.ctx else ""
        return f"{error.format_message().rstrip('.')}{where}"
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OutboxError):
        return str(error)
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text} (OUTBOX_TRACEBACK=1 shows where)"
