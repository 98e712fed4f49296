"""The one place where errors become sentences and exit codes."""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
from collections.abc import Sequence

import click

from outbox.cli.exits import ClosedPipe, CommandError, Exit
from outbox.cli.sentences import sentence
from outbox.cli.settings import Project, Settings
from outbox.errors import (
    ConnectionLost,
    OutboxError,
    ReadOnlyServer,
    SchemaNotReady,
    UnsupportedServer,
)

# The first class that fits decides.
CODES: tuple[tuple[type[OutboxError], Exit], ...] = (
    (SchemaNotReady, Exit.SCHEMA),
    (ConnectionLost, Exit.UNREACHABLE),
    (ReadOnlyServer, Exit.UNREACHABLE),
    (UnsupportedServer, Exit.UNREACHABLE),
)


def run(app: click.Command, words: Sequence[str] | None = None, project: Project | None = None) -> int:
    """Run the command with these words, or the process's own; return the exit code.

    In a framework's project it works on the project's database.

    Only a command that is asked for it prints a traceback.
    """
    settings = Settings(project=project)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Half a character in a stranger's payload must not end a listing; in JSON this is the right escape.
        sys.stdout.reconfigure(errors="backslashreplace")
    # The library's warnings are for applications; `run` replaces this.
    logging.basicConfig(handlers=[logging.NullHandler()])
    try:
        result = app.main(words, prog_name="outbox", standalone_mode=False, obj=settings)
        sys.stdout.flush()
    except (ClosedPipe, BrokenPipeError):
        # What is still buffered has nowhere to go; without this the interpreter would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.CLOSED_PIPE
    except click.Abort:
        sys.stderr.write("outbox: interrupted\n")
        return Exit.INTERRUPTED
    except Exception as error:
        return report(error, settings)
    return result if isinstance(result, int) else Exit.OK


def report(error: Exception, settings: Settings) -> int:
    """Print an error as one sentence without secrets; return its exit code."""
    if settings.traceback:
        sys.stderr.write(settings.scrub("".join(traceback.format_exception(error))))
    sys.stderr.write(f"outbox: {settings.scrub(sentence(error, settings))}\n")
    if isinstance(error, CommandError):
        return error.code
    if isinstance(error, click.ClickException):
        return error.exit_code
    # The library's errors about what it was given are ValueErrors too.
    otherwise = (
        Exit.USAGE if isinstance(error, OutboxError) and isinstance(error, ValueError) else Exit.FAILED
    )
    return next((code for kind, code in CODES if isinstance(error, kind)), otherwise)
