"""Options from a TOML file."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from outbox.errors import ConfigurationError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_table(path: Path, table: str, known: Collection[str]) -> dict[str, Any]:
    """Return a table of the file; raises `ConfigurationError` for a bad file and an unknown name."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError("file", str(path), f"it is no TOML: {error}") from error
    found = content.get(table)
    if not isinstance(found, dict):
        raise ConfigurationError("file", str(path), f"it has no table [{table}]")
    if unknown := sorted(set(found) - set(known)):
        raise ConfigurationError(
            unknown[0], found[unknown[0]], f"there is no such option; use {', '.join(known)}"
        )
    return found
