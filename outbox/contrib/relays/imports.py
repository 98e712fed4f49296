"""Import a broker's client, or say what to install."""

from __future__ import annotations

import importlib
from typing import Any

from outbox.errors import ConfigurationError


def import_library(module: str, extra: str) -> Any:
    """Return the module; raises `ConfigurationError` that names the extra which brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigurationError(
            "relay",
            extra,
            f"it needs the module {module!r}, which cannot be imported; "
            f'install it with: pip install "outbox-pipeline[{extra}]"',
        ) from error
