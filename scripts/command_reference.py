"""Every command of `outbox` with what its own help says, as a page of the site: docs/conf.py asks for it.

It reads the commands' definitions, not their printed help, which each version of click wraps in its own way.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from outbox.cli.app import app
from outbox.cli.settings import shared_options


def page() -> str:
    parts = ["## Options of all commands\n", table(shared_options())]
    for name, command in commands("outbox", app):
        parts += [f"## {name}\n", *described(name, command)]
    return "\n".join(parts)


def commands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Yield a command and all below it, each group's in the order of their names."""
    yield name, command
    if isinstance(command, click.Group):
        for below in sorted(command.commands):
            yield from commands(f"{name} {below}", command.commands[below])


def described(name: str, command: click.Command) -> Iterator[str]:
    places = [value_of(place) for place in command.params if is_argument(place)]
    words = " ".join([name, "[OPTIONS]", *places, *(["COMMAND"] if isinstance(command, click.Group) else [])])
    yield f"    {words}\n"
    yield prose(command.help) + "\n"
    shared = {option.name for option in shared_options()}
    own = [option for option in command.params if not is_argument(option) and option.name not in shared]
    if own:
        yield table(own)
    shown = [line.strip() for line in (command.epilog or "").splitlines() if line.strip().startswith("$ ")]
    if shown:
        yield "\n".join(f"    {line[2:]}" for line in shown) + "\n"


def is_argument(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Argument)


def table(options: list[click.Parameter]) -> str:
    rows = ["| option | |", "|---|---|"]
    for option in options:
        assert isinstance(option, click.Option)
        names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
        value = "" if option.is_flag or option.count else f" `{value_of(option)}`"
        rows.append(f"| {names}{value} | {cell(option)} |")
    return "\n".join(rows) + "\n"


def value_of(parameter: click.Parameter) -> str:
    """Return what stands for the value: its placeholder, the choices there are, or its type."""
    if isinstance(parameter.type, click.Choice):
        return " or ".join(parameter.type.choices)
    if isinstance(parameter, click.Argument):
        shown = parameter.metavar or str(parameter.name).upper()
        shown = shown if parameter.required or shown.startswith("[") else f"[{shown}]"
        return shown if parameter.nargs == 1 or shown.endswith("...") else f"{shown}..."
    return parameter.metavar or ("N" if isinstance(parameter.type, click.types.IntParamType) else "TEXT")


def cell(option: click.Option) -> str:
    text = prose(option.help).replace("\n", " ").replace("|", "\\|")
    if option.show_default and not option.is_flag and option.default is not None:
        text += f" Default: {option.default}."
    if isinstance(option.envvar, str):
        text += f" From `{option.envvar}` too."
    return text


def prose(text: str | None) -> str:
    """Return a help text as a paragraph of Markdown; what click is told not to wrap stays in its lines."""
    cleaned = inspect.cleandoc(text or "").replace("\f", "")
    cleaned = re.sub(r"([<*_])", r"\\\1", cleaned)
    kept = [part.removeprefix("\b\n") for part in cleaned.split("\n\n")]
    return "\n\n".join(kept)
