"""The setting ``OUTBOX``, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from outbox.errors import ConfigurationError
from outbox.statements import Naming
from outbox.statements.tables import DEFAULT_PREFIX

DEFAULT = "default"


@dataclass(frozen=True)
class OutboxSettings:
    """One entry of ``OUTBOX``: where the outbox is, and what declares its queues."""

    name: str
    database: str = "default"
    """The alias in DATABASES."""
    builder: str | None = None
    """Dotted path of what declares the queues; without it, ``declare`` in each app's module ``outbox``."""
    prefix: str = DEFAULT_PREFIX
    schema: str | None = None

    @property
    def naming(self) -> Naming:
        """The names of the tables; raises `ConfigurationError` and `InvalidTablePrefix`."""
        return Naming(self.prefix, self.schema)


OPTIONS = {field.name.upper(): field.name for field in fields(OutboxSettings) if field.name != "name"}


def outbox_settings() -> dict[str, OutboxSettings]:
    """Return the entries of ``OUTBOX`` by name; one on the default database where the setting is missing.

    Raises `ConfigurationError` for an option that does not exist, and for what the entries must share.
    """
    from django.conf import settings

    given: Any = getattr(settings, "OUTBOX", {DEFAULT: {}})
    if not isinstance(given, Mapping) or not given:
        raise ConfigurationError(
            "OUTBOX", given, 'give a dict, for example {"default": {"DATABASE": "default"}}'
        )
    found = {name: read_entry(name, entry) for name, entry in given.items()}
    if len({(one.prefix, one.schema) for one in found.values()}) > 1:
        problem = "the models have one table name each: give all outboxes the same PREFIX and SCHEMA"
        raise ConfigurationError("OUTBOX", sorted(found), problem)
    return found


def read_entry(name: str, entry: object) -> OutboxSettings:
    """Return one entry; raises `ConfigurationError`."""
    if not isinstance(entry, Mapping):
        raise ConfigurationError(f"OUTBOX[{name!r}]", entry, f"give a dict with {', '.join(OPTIONS)}")
    for option, value in entry.items():
        if option not in OPTIONS:
            problem = f"there is no such option; there are {', '.join(OPTIONS)}"
            raise ConfigurationError(f"OUTBOX[{name!r}][{option!r}]", value, problem)
    return OutboxSettings(name, **{OPTIONS[option]: value for option, value in entry.items()})


def table(name: str) -> str:
    """Return a model's ``db_table``; computed at import, as Django wants it.

    Django quotes a name that has no quotes around it, which puts the dot between schema and table outside.
    """
    entry = next(iter(outbox_settings().values()))
    bare = f"{entry.prefix}_{name}"
    return f'{entry.schema}"."{bare}' if entry.schema else bare
