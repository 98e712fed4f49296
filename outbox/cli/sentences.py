"""Errors as one sentence: what is wrong, and what to do."""

from __future__ import annotations

import click

from outbox.cli.settings import Settings
from outbox.errors import OutboxError, SchemaNotReady


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
