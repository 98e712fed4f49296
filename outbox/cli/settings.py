"""What every command may be told: the target, the names of the tables, and the form of the output."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import click
from sqlalchemy import make_url

from outbox.facade import OutboxBuilder
from outbox.shown import mask
from outbox.statements import Naming
from outbox.statements.tables import DEFAULT_PREFIX


def wants_tracebacks() -> bool:
    """Return what the environment says."""
    return os.environ.get("OUTBOX_TRACEBACK", "") not in {"", "0"}


@dataclass(frozen=True)
class Project:
    """What a framework says of the project whose command this is."""

    target: object
    """Its database, as `Outbox.builder` takes it."""
    declare: Callable[[], OutboxBuilder]
    """Makes the builder with the queues that the project declares."""
    naming: Naming
    migrates: str
    """Its command for the tables."""


@dataclass
class Settings:
    """The options that stand before or after the name of a command; the last one counts."""

    url: str | None = None
    prefix: str | None = None
    schema: str | None = None
    json: bool = False
    traceback: bool = field(default_factory=wants_tracebacks)
    url_was_typed: bool = False
    """On the command line, and not in the environment."""
    project: Project | None = None
    """The framework's project that the command runs in: `manage.py outbox`."""

    @property
    def naming(self) -> Naming:
        """The names of the tables; raises `ConfigurationError`."""
        if self.project is not None:
            return self.project.naming
        return Naming(self.prefix or DEFAULT_PREFIX, self.schema)

    def required_url(self) -> str:
        """Return the URL; raises `click.UsageError` without one."""
        if self.project is not None:
            raise click.UsageError(f"here the tables are the framework's; use {self.project.migrates}")
        if not self.url:
            raise click.UsageError("no database given; use --url or set OUTBOX_URL")
        return self.url

    def required_target(self) -> object:
        """Return the database of the project, or else the URL; raises `click.UsageError` without one."""
        return self.required_url() if self.project is None else self.project.target

    def options(self) -> str:
        """Return what must be repeated in a command that is suggested to the user."""
        prefix = f" --prefix {self.prefix}" if self.prefix else ""
        return prefix + (f" --schema {self.schema}" if self.schema else "")

    def scrub(self, text: str) -> str:
        """Return a text without passwords."""
        text = mask(text)
        for secret in self._secrets():
            text = text.replace(secret, "***")
        return text

    def _secrets(self) -> list[str]:
        try:
            url = make_url(self.url or "")
        except Exception:  # the URL is what is wrong, and the patterns above have masked it
            return []
        found = [url.password, *(url.query.get(name) for name in ("password", "passwd", "sslpassword"))]
        # A password of two letters would be found in every other word.
        return [text for text in found if isinstance(text, str) and len(text) > 2]


def store(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Put an option where the command finds it; what was typed counts more than the environment."""
    if value is None or param.name is None:
        return
    settings = ctx.ensure_object(Settings)
    typed = ctx.get_parameter_source(param.name) is click.core.ParameterSource.COMMANDLINE
    if not typed and getattr(settings, param.name):
        return
    setattr(settings, param.name, value)
    if param.name == "url" and typed:
        settings.url_was_typed = True


def shared_options() -> list[click.Parameter]:
    """Return the options that every command has."""

    def option(*names: str, **attributes: Any) -> click.Option:
        return click.Option(names, callback=store, expose_value=False, **attributes)

    def flag(*names: str, **attributes: Any) -> click.Option:
        return option(*names, is_flag=True, flag_value=True, default=None, type=bool, **attributes)

    return [
        option(
            "--url",
            metavar="URL",
            envvar="OUTBOX_URL",
            show_envvar=True,
            help="The database: postgresql://…, mysql://…, mariadb://…, sqlite:///path.",
        ),
        option(
            "--prefix",
            metavar="PREFIX",
            envvar="OUTBOX_PREFIX",
            show_envvar=True,
            help="The prefix of the tables' names; outbox unless given.",
        ),
        option(
            "--schema",
            metavar="SCHEMA",
            envvar="OUTBOX_SCHEMA",
            show_envvar=True,
            help="The schema of the tables (PostgreSQL).",
        ),
        flag("--json", help="Print JSON, for scripts."),
        flag("--traceback", help="Show where an error came from (OUTBOX_TRACEBACK=1)."),
    ]
