"""Run workers until a signal comes: what ``outbox run`` and commands like it share."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TextIO

import click

from outbox.cli.exits import CommandError, Exit
from outbox.cli.logs import FORMATS, start_logging, switch_on_again
from outbox.cli.output import emit, our_own_output
from outbox.cli.settings import Settings
from outbox.cli.signals import StopSignals
from outbox.cli.words import parse_duration
from outbox.facade import OutboxBuilder
from outbox.facade.handle import OutboxHandle
from outbox.values.readable import duration

log = logging.getLogger("outbox.cli")

LEVELS = ["debug", "info", "warning", "error"]
# How often the liveness file is touched: probes allow some ten times as much.
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


def serve(settings: Settings, declare: Callable[[], OutboxBuilder], name: str, serving: Serving) -> Exit:
    """Run the workers of the builder that ``declare`` returns until a signal comes, and see them end."""
    start_logging(serving.log_level, serving.log_format)
    path = serving.liveness_file
    with our_own_output(settings) as output:
        declared = declare()
        switch_on_again()
        with StopSignals(lambda: forget(path)) as signals, liveness(path):
            handle = declared.start()
            say(output, settings, "started", f"workers of {name} started")
            try:
                keep_alive(handle, signals, path)
            finally:
                log.info("stopping, within %s", duration(serving.timeout))
                ended = handle.stop(serving.timeout)
            if not ended:
                forget(path)
                abandon(serving.timeout)
        say(output, settings, "stopped", "workers stopped")
    return Exit.OK


def keep_alive(handle: OutboxHandle, signals: StopSignals, liveness_file: Path | None) -> None:
    """Return at the first signal; touch the file meanwhile, for as long as the worker threads are alive.

    An outage of the database is logged and leaves the file fresh: to restart every process would not end it.
    """
    was_healthy = True
    while True:
        healthy = handle.healthy()
        if liveness_file is not None and handle.alive():
            touch(liveness_file)
        if healthy != was_healthy:
            log.log(
                logging.INFO if healthy else logging.ERROR, "healthy again" if healthy else unhealthy(handle)
            )
            was_healthy = healthy
        if signals.wait(LOOK_SECONDS):
            return


def unhealthy(handle: OutboxHandle) -> str:
    """Say which workers fail, and with what."""
    failing = "; ".join(f"{name}: {error}" for name, error in handle.stats().failing.items())
    return f"not healthy: {failing or 'a worker thread has ended, and the liveness file is left alone'}"


@contextmanager
def liveness(path: Path | None) -> Iterator[None]:
    """Touch the file before the start, so that a wrong path is known at once; remove it at the end."""
    if path is not None:
        touch(path)
    try:
        yield
    finally:
        forget(path)


def touch(path: Path) -> None:
    """Set the file's time; raises `CommandError` when that fails, since an orchestrator relies on it."""
    try:
        path.touch()
    except OSError as error:
        raise CommandError(f"cannot touch the liveness file {path}: {error.strerror}") from error


def forget(path: Path | None) -> None:
    """Remove the file, so that a process that is gone does not look alive."""
    if path is not None:
        path.unlink(missing_ok=True)


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
