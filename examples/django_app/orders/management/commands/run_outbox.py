"""Deliver the messages of the outbox until told to stop."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand
from orders import pipeline


class Command(BaseCommand):
    help = __doc__

    def handle(self, *_args: Any, **_options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        with pipeline.start_workers():
            self.stdout.write("delivering; Ctrl-C stops")
            stop.wait()
        self.stdout.write("stopped")
