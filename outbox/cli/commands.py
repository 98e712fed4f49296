"""Commands and groups that all have the shared options, and help that shows how they are used."""

from __future__ import annotations

from typing import Any

import click

from outbox.cli.exits import Exit
from outbox.cli.settings import Settings, shared_options

HELP_NAMES = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

pass_settings = click.make_pass_decorator(Settings, ensure=True)


def examples(*lines: str) -> str:
    """Return the end of a help text, its line breaks kept."""
    return "\n".join(["\b", "Examples:", *(f"  $ {line}" for line in lines)])


class OutboxCommand(click.Command):
    """A command with the shared options after its own."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **{"context_settings": HELP_NAMES, **attributes})
        self.params.extend(shared_options())


class OutboxGroup(click.Group):
    """A group whose options may stand before the command's name too."""

    command_class = OutboxCommand
    group_class = type

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **{"context_settings": HELP_NAMES, **attributes})
        self.params.extend(shared_options())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show which commands there are when none is given: on standard error, since that is wrong usage."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(Exit.USAGE)
        return super().parse_args(ctx, args)
