"""``flask outbox …``: the command line of the outbox, on the application's database."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

if TYPE_CHECKING:
    from outbox.contrib.flask.state import AppOutbox

MIGRATES = "ext.migrate(app) of the application's FlaskOutbox, or Alembic"


def outbox_command(state: AppOutbox) -> click.Command:
    """Return the command of one application, which passes its words on as they are."""

    @click.command(
        "outbox",
        context_settings={"ignore_unknown_options": True, "help_option_names": []},
        add_help_option=False,
    )
    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    @with_appcontext
    def outbox(words: tuple[str, ...]) -> None:
        """Look after the outbox of this application: run, status, schema, doctor, dead-letters and more."""
        sys.exit(run_words(state, words))

    return outbox


def run_words(state: AppOutbox, words: tuple[str, ...]) -> int:
    """Run the command line; return its exit code."""
    from outbox.cli.app import app
    from outbox.cli.boundary import run
    from outbox.cli.settings import Project

    options = state.builder().options
    project = Project(options.target, state.builder, options.naming, MIGRATES)
    return run(app, words, project)
