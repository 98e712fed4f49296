"""Deliver the messages of the outbox until told to stop."""

import signal
import time
from typing import Any

from django.core.management.base import BaseCommand
from orders import pipeline


class Command(BaseCommand):
    help = __doc__

    def handle(self, *_args: Any, **_options: Any) -> None:
        asked: list[bool] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: asked.append(True))
        with pipeline.start_workers():
            self.stdout.write("delivering; Ctrl-C stops")
            while not asked:
                time.sleep(0.5)
        self.stdout.write("stopped")
