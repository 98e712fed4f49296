"""Find a user's object by its name, as ``package.module:attribute``."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from functools import reduce
from inspect import Parameter, signature
from itertools import accumulate
from pathlib import Path
from typing import Any

import click

from outbox.cli.exits import CommandError
from outbox.cli.settings import Settings
from outbox.facade import OutboxBuilder

NEEDS_VALUE = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def load(name: str) -> Any:
    """Import and return an attribute of a module; the current folder counts as a place of modules.

    Raises `click.UsageError` when there is no such thing and `CommandError` when importing fails.
    """
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise click.UsageError(f"{name!r} is no name of an object; write package.module:attribute")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    set_django_up()
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        wanted = set(accumulate(module_name.split("."), "{}.{}".format))
        if isinstance(error, ModuleNotFoundError) and error.name in wanted:
            raise click.UsageError(f"there is no module {error.name!r} here") from error
        raise CommandError(f"importing {module_name} failed: {type(error).__name__}: {error}") from error
    try:
        return reduce(getattr, attribute.split("."), module)
    except AttributeError as error:
        raise click.UsageError(f"the module {module_name} has no attribute {attribute!r}") from error


def set_django_up() -> None:
    """Set Django up if the environment names its settings: models can be imported only after that.

    Raises `CommandError` when that fails; an application without Django is none of our business.
    """
    settings = os.environ.get("DJANGO_SETTINGS_MODULE")
    if not settings or importlib.util.find_spec("django") is None:
        return
    apps = importlib.import_module("django.apps").apps
    if apps.ready:
        return
    try:
        importlib.import_module("django").setup()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise CommandError(f"setting Django up with {settings} failed: {reason}") from error


def load_callable(name: str) -> Callable[..., Any]:
    """Return a callable; raises as `load` does."""
    found = load(name)
    if not callable(found):
        raise click.UsageError(f"{name} is of type {type(found).__name__}, which cannot be called")
    return found  # type: ignore[no-any-return]


def load_builder(name: str | None, settings: Settings) -> OutboxBuilder:
    """Return an `OutboxBuilder`, or what a function returns; one with a parameter gets the URL.

    In a framework's project no name is needed.
    """
    if name is None:
        if settings.project is None:
            raise click.UsageError("Missing argument 'MODULE:BUILDER'.")
        return settings.project.declare()
    found = load(name)
    if callable(found) and not isinstance(found, OutboxBuilder):
        found = _call(found, name, settings)
    elif settings.url_was_typed:
        raise click.UsageError(f"{name} has its own database; let it be a function that takes the URL")
    if not isinstance(found, OutboxBuilder):
        raise click.UsageError(
            f"{name} is of type {type(found).__name__}; give an OutboxBuilder or a function"
        )
    if settings.prefix:
        found.table_prefix(settings.prefix)
    if settings.schema:
        found.schema(settings.schema)
    return found


def _call(factory: Callable[..., Any], name: str, settings: Settings) -> Any:
    needed = [
        parameter
        for parameter in signature(factory).parameters.values()
        if parameter.kind in NEEDS_VALUE and parameter.default is Parameter.empty
    ]
    if len(needed) > 1:
        raise click.UsageError(f"{name} wants {len(needed)} arguments; let it take the URL or nothing")
    if not needed and settings.url_was_typed:
        raise click.UsageError(f"{name} does not take the URL; leave --url out or give it a parameter")
    return factory(settings.required_url()) if needed else factory()
