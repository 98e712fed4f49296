"""Run workers until a signal comes: what ``outbox run`` and commands like it share."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TextIO

import click

from outbox.cli.draining import draining
from outbox.cli.exits import Exit
from outbox.cli.logs import FORMATS, start_logging, switch_on_again
from outbox.cli.output import emit, our_own_output
from outbox.cli.settings import Settings
from outbox.cli.signals import StopSignals
from outbox.cli.signs import SignsOfLife
from outbox.cli.words import WholeNumber, parse_duration
from outbox.errors import OutboxError
from outbox.facade import OutboxBuilder
from outbox.facade.handle import OutboxHandle
from outbox.facade.patience import patiently
from outbox.values.readable import duration

log = logging.getLogger("outbox.cli")

LEVELS = ["debug", "info", "warning", "error"]
# How often signs of life are shown: probes allow some ten times as much.
LOOK_SECONDS = 1.0


_OPTIONS = (
    click.option(
        "--timeout",
        type=parse_duration,
        metavar="TIME",
        default="30s",
        show_default=True,
        help="How long handlers may take to finish when the process is told to stop.",
    ),
    click.option(
        "--liveness-file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="PATH",
        help="A file to touch every second while the worker threads are alive; removed at the end.",
    ),
    click.option(
        "--health-port",
        type=WholeNumber(0, 65535),
        metavar="PORT",
        help="Answer GET /livez and /readyz there, from before the start to the end.",
    ),
    click.option(
        "--wait",
        type=parse_duration,
        metavar="TIME",
        default="0s",
        show_default=True,
        help="How long to wait at the start for a database, or its tables, that are not there yet.",
    ),
    click.option(
        "--drain",
        is_flag=True,
        help="End when nothing is left but what is paused, parked or delayed; shows how far it is.",
    ),
    click.option(
        "--log-level",
        type=click.Choice(LEVELS),
        default="info",
        show_default=True,
        help="What is logged to standard error.",
    ),
    click.option(
        "--log-format",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="How it is logged: json is one object a line, with the fields of each event.",
    ),
)


@dataclass(frozen=True)
class Serving:
    """How a command that runs workers is told to live and to end."""

    timeout: float
    liveness_file: Path | None
    health_port: int | None
    wait: float
    drain: bool
    log_level: str
    log_format: str


def serving_options(command: Callable[..., Exit]) -> Callable[..., Exit]:
    """Add the options of `Serving` to a command, which gets them as ``serving``."""

    @wraps(command)
    def gathered(*args: Any, **options: Any) -> Exit:
        own = {name: options.pop(name) for name in Serving.__dataclass_fields__}
        return command(*args, serving=Serving(**own), **options)

    for option in reversed(_OPTIONS):
        gathered = option(gathered)
    return gathered


def serve(
    settings: Settings,
    declare: Callable[[], OutboxBuilder],
    name: str,
    serving: Serving,
    over: Callable[[], bool] = lambda: False,
) -> Exit:
    """Run the workers of the builder that ``declare`` returns until a signal comes, and see them end.

    ``over`` is asked every second whether there is another reason to.
    """
    start_logging(serving.log_level, serving.log_format)
    signs = SignsOfLife(serving.liveness_file, serving.health_port)
    with our_own_output(settings) as output:
        declared = patiently(declare, serving.wait)
        switch_on_again()
        with StopSignals(signs.forget) as signals, signs:
            handle = start(declared, serving, signals, signs)
            if handle is None:
                say(output, settings, "stopped", "stopped before the workers were started")
                return Exit.OK
            signs.started(handle)
            say(output, settings, "started", f"workers of {name} started")
            try:
                with draining(handle, settings, wanted=serving.drain) as drained:
                    keep_alive(handle, signals, signs, lambda: drained() or over())
            finally:
                log.info("stopping, within %s", duration(serving.timeout), extra={"event": "outbox.stopping"})
                signs.stopping()
                ended = handle.stop(serving.timeout)
            if not ended:
                signs.forget()
                abandon(serving.timeout)
        say(output, settings, "stopped", "workers stopped")
    return Exit.OK


class StoppedFirst(Exception):
    """A signal came while the database was not there yet."""


def start(
    declared: OutboxBuilder, serving: Serving, signals: StopSignals, signs: SignsOfLife
) -> OutboxHandle | None:
    """Start the workers, once the database is there; None if a signal comes before that."""

    def rest(error: OutboxError, pause: float) -> None:
        signs.waiting(error)
        if signals.wait(pause):
            raise StoppedFirst

    try:
        return patiently(declared.start, serving.wait, rest)
    except StoppedFirst:
        return None


def keep_alive(
    handle: OutboxHandle, signals: StopSignals, signs: SignsOfLife, over: Callable[[], bool]
) -> None:
    """Return at the first signal, or when it is over; show signs of life meanwhile, while the threads live.

    An outage of the database is logged and leaves the process alive.
    """
    was_healthy = True
    while True:
        problems = handle.problems()
        signs.look(problems)
        if (not problems) != was_healthy:
            was_healthy = not problems
            if was_healthy:
                log.info("healthy again", extra={"event": "outbox.healthy"})
            else:
                fields = {"event": "outbox.unhealthy", "problems": problems}
                log.error("not healthy: %s", "; ".join(problems), extra=fields)
        if over() or signals.wait(LOOK_SECONDS):
            return


def abandon(timeout: float) -> None:
    """End the process although handlers still run: waiting for their threads is what must not happen."""
    sys.stderr.write(
        f"outbox: the workers did not stop within {duration(timeout)}; "
        "what they were doing is delivered again when its lease has ended\n"
    )
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(Exit.UNFINISHED)


def say(output: TextIO, settings: Settings, event: str, text: str) -> None:
    """Tell what happens on standard output."""
    pid = os.getpid()
    emit(json.dumps({"event": event, "pid": pid}) if settings.json else f"{text} (pid {pid})", output)
