"""The libraries that the integrations import, and the extras that bring them."""

from __future__ import annotations

from outbox.errors import ConfigurationError


def missing(module: str, extra: str) -> ConfigurationError:
    """Make the error for a module that cannot be imported."""
    return ConfigurationError(
        "module", module, f'it cannot be imported; install it with: pip install "outbox-pipeline[{extra}]"'
    )
