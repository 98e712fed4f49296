"""How the command ends: codes that a script can rely on."""

from __future__ import annotations

import enum

import click


class Exit(enum.IntEnum):
    """Exit codes. A process that a second signal ended has 128 and the signal's number instead."""

    OK = 0
    """Done; nothing is wrong."""
    FAILED = 1
    """The doctor found a problem, a handler failed, a letter that was named stayed as it was, or an error."""
    USAGE = 2
    """The command line, a configuration or a driver that is not installed."""
    UNREACHABLE = 3
    """The server cannot be reached, or is none that will do."""
    SCHEMA = 4
    """The tables are missing or older than this release."""
    UNCONFIRMED = 5
    """Nothing was changed: the question was answered with no, or there was no terminal to ask at."""
    UNFINISHED = 6
    """The workers did not stop within the deadline."""
    INTERRUPTED = 130
    """Ctrl-C."""
    CLOSED_PIPE = 141
    """The reader of the output went away."""


class CommandError(click.ClickException):
    """An expected end of a command: one sentence and an exit code."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.code = code


class ClosedPipe(Exception):
    """The reader of the output went away, as ``head`` does."""
