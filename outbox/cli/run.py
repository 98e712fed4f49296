"""``outbox run``: workers as a process of their own."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import click

from outbox.cli.commands import OutboxCommand, examples, pass_settings
from outbox.cli.exits import CommandError, Exit
from outbox.cli.loading import load_builder
from outbox.cli.output import emit, emit_json
from outbox.cli.settings import Settings
from outbox.cli.signals import StopSignals
from outbox.cli.words import parse_duration
from outbox.facade.handle import OutboxHandle
from outbox.values.readable import duration

log = logging.getLogger("outbox.cli")

LEVELS = ["debug", "info", "warning", "error"]
LOOK_SECONDS = 1.0
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s [%(threadName)s] %(message)s"


@click.command(
    cls=OutboxCommand,
    epilog=examples(
        "outbox run shop.outbox:builder",
        "outbox run shop.outbox:make_builder --url postgresql://app@db/shop",
        "outbox run shop.outbox:builder --timeout 2m --liveness-file /run/outbox.alive",
    ),
)
@click.argument("builder", metavar="MODULE:BUILDER")
@click.option(
    "--timeout",
    type=parse_duration,
    metavar="TIME",
    default="30",
    show_default=True,
    help="How long handlers may take to finish when the process is told to stop.",
)
@click.option(
    "--liveness-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PATH",
    help="A file to touch every second while the workers are healthy; removed at the end.",
)
@click.option(
    "--log-level",
    type=click.Choice(LEVELS),
    default="info",
    show_default=True,
    help="What is logged to standard error.",
)
@pass_settings
def run(settings: Settings, builder: str, timeout: float, liveness_file: Path | None, log_level: str) -> Exit:
    """Run workers until SIGTERM or SIGINT.

    MODULE:BUILDER names an OutboxBuilder, or a function that returns one; a function with one parameter is
    given the URL of --url or OUTBOX_URL.

    The first signal lets handlers finish their message, acknowledges what is done and releases the leases.
    A second one ends the process at once: what was in progress is delivered again when its lease has ended.

    Exit codes: 0 stopped in time, 6 not in time, 128 + the signal's number after a second signal.
    """
    start_logging(log_level)
    declared = load_builder(builder, settings)
    with StopSignals(lambda: forget(liveness_file)) as signals:
        handle = declared.start()
        say(settings, "started", f"workers of {builder} started")
        try:
            keep_alive(handle, signals, liveness_file)
        finally:
            log.info("stopping, within %s", duration(timeout))
            ended = handle.stop(timeout)
            forget(liveness_file)
        if not ended:
            abandon(timeout)
    say(settings, "stopped", "workers stopped")
    return Exit.OK


def keep_alive(handle: OutboxHandle, signals: StopSignals, liveness_file: Path | None) -> None:
    """Return at the first signal; touch the file meanwhile, for as long as the workers are healthy."""
    was_healthy = True
    while True:
        healthy = handle.healthy()
        if healthy and liveness_file is not None:
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
    return f"not healthy, the liveness file is left alone: {failing or 'a worker thread has ended'}"


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


def say(settings: Settings, event: str, text: str) -> None:
    """Tell what happens on standard output."""
    if settings.json:
        emit_json({"event": event, "pid": os.getpid()})
    else:
        emit(f"{text} (pid {os.getpid()})")


def start_logging(level: str) -> None:
    """Log to standard error; a module that sets logging up itself has the last word."""
    logging.basicConfig(level=level.upper(), format=LOG_FORMAT, stream=sys.stderr, force=True)
