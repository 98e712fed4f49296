"""``outbox run``: workers as a process of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import click

from outbox.cli.commands import OutboxCommand, examples, pass_settings
from outbox.cli.exits import Exit
from outbox.cli.loading import load_builder
from outbox.cli.reloading import reloading
from outbox.cli.serving import Serving, serve, serving_options
from outbox.cli.settings import Settings


@click.command(
    cls=OutboxCommand,
    epilog=examples(
        "outbox run shop.outbox:builder",
        "outbox run shop.outbox:make_builder --url postgresql://app@db/shop",
        "outbox run shop.outbox:builder --timeout 2m --liveness-file /run/outbox.alive",
        "outbox run shop.outbox:builder --drain",
    ),
)
@click.argument("builder", metavar="MODULE:BUILDER", required=False)
@serving_options
@click.option(
    "--reload", is_flag=True, help="Start anew when the file of a module has changed: for development."
)
@pass_settings
def run(settings: Settings, /, *, builder: str | None, serving: Serving, reload: bool) -> Exit:
    """Run workers until SIGTERM or SIGINT.

    MODULE:BUILDER names an OutboxBuilder, or a function that returns one; a function with one parameter is
    given the URL of --url or OUTBOX_URL. In `manage.py outbox run` it is what the project declares.

    The first signal lets handlers finish their message, acknowledges what is done and releases the leases.
    A second one ends the process at once: what was in progress is delivered again when its lease has ended.
    So does a signal that comes before the workers are started.

    With DJANGO_SETTINGS_MODULE set, Django is set up before MODULE is imported. With --json, what handlers
    print goes to standard error.

    Exit codes: 0 stopped in time, 6 not in time, 128 + the signal's number after a second signal.
    """
    if reload and serving.drain:
        raise click.UsageError("--drain ends the command and --reload begins it again: give one of them")

    def work(over: Callable[[], bool] = lambda: False) -> Exit:
        declare = partial(load_builder, builder, settings)
        return serve(settings, declare, builder or "the project", serving, over)

    return reloading(work) if reload else work()
