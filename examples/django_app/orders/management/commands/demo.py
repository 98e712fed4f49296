"""Create the tables, start the workers and serve, all in this process."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from orders import pipeline


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", default="8000")

    def handle(self, *_args: Any, port: str, **_options: Any) -> None:
        call_command("migrate", verbosity=0)
        pipeline.start_workers()
        try:
            # The reloader would start the program twice, and with it the workers.
            call_command("runserver", f"127.0.0.1:{port}", use_reloader=False, skip_checks=True)
        finally:
            pipeline.stop_workers()
