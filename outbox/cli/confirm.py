"""Ask before something is lost."""

from __future__ import annotations

import sys

import click

from outbox.cli.exits import CommandError, Exit

yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask; for scripts.")


def confirm(question: str, *, yes: bool) -> None:
    """Return when the user agrees; raises `CommandError` when not, or when there is no terminal to ask at.

    The question goes to standard error, so that the output stays clean.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError(
            "there is no terminal to ask for confirmation, so nothing was changed; give --yes",
            Exit.UNCONFIRMED,
        )
    if not click.confirm(question, err=True):
        raise CommandError("nothing was changed", Exit.UNCONFIRMED)
