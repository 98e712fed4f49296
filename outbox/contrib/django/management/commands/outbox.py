"""``manage.py outbox …``: the command line of the outbox, in the project's database."""

from __future__ import annotations

import sys
from argparse import REMAINDER, ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from outbox.contrib.django.boxes import builder
from outbox.contrib.django.conf import DEFAULT, outbox_settings
from outbox.contrib.django.target import DjangoDatabase


class Command(BaseCommand):
    """Passes its words on; the exit codes are those of ``outbox``."""

    help = "Look after the outbox of this project: run, status, doctor, dead-letters, …"
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django declares it

    def run_from_argv(self, argv: list[str]) -> None:
        """Pass the words on as they are: their options are not Django's."""
        try:
            code = self.run(argv[2:])
        finally:
            connections.close_all()
        sys.exit(code)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take any words, for ``call_command("outbox", "status")``."""
        parser.add_argument("words", nargs=REMAINDER)

    def handle(self, *_: Any, words: Sequence[str], **options: Any) -> None:  # noqa: ARG002 - Django's signature
        """Run as a part of another program, which goes on afterwards."""
        code = self.run(words)
        if code:
            msg = f"outbox {' '.join(words)} ended with exit code {code}"
            raise CommandError(msg, returncode=code)

    def run(self, words: Sequence[str]) -> int:
        """Run the command line on the outbox that ``--box NAME`` names, else on the default one."""
        name = DEFAULT
        if words[:1] == ["--box"] and len(words) > 1:
            name, words = words[1], words[2:]
        try:
            from outbox.cli.app import app
            from outbox.cli.boundary import run
            from outbox.cli.settings import Project
        except ModuleNotFoundError as error:
            msg = f'the command needs the module {error.name!r}: pip install "outbox-pipeline[django]"'
            raise CommandError(msg, returncode=2) from error
        found = outbox_settings()
        if name not in found:
            msg = f"OUTBOX has no {name!r}; it has {', '.join(found)}"
            raise CommandError(msg, returncode=2)
        entry = found[name]
        project = Project(
            DjangoDatabase(entry.database),
            lambda: builder(name),
            entry.naming,
            f"manage.py migrate outbox --database {entry.database}",
        )
        return run(app, words, project)
