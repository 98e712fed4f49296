"""Which backends this run tests, and what to say when one of them cannot be had."""

from __future__ import annotations

import os

BACKENDS = ("sqlite", "postgresql", "mysql", "mariadb")
SELECTION_VARIABLE = "OUTBOX_TEST_BACKENDS"
URL_VARIABLES = {
    "postgresql": "OUTBOX_TEST_POSTGRES_URL",
    "mysql": "OUTBOX_TEST_MYSQL_URL",
    "mariadb": "OUTBOX_TEST_MARIADB_URL",
}


class SelectionError(ValueError):
    """The selection names something that is not a backend."""


def selected_backends() -> tuple[str, ...]:
    """Return the backends to test: those of $OUTBOX_TEST_BACKENDS, else all four."""
    text = os.environ.get(SELECTION_VARIABLE, "")
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := sorted(set(names) - set(BACKENDS)):
        message = f"{SELECTION_VARIABLE} names {', '.join(unknown)}; the backends are {', '.join(BACKENDS)}"
        raise SelectionError(message)
    return tuple(name for name in BACKENDS if not names or name in names)


def existing_url(backend: str) -> str | None:
    """Return the URL of a server that the environment offers for the backend."""
    return os.environ.get(URL_VARIABLES.get(backend, "")) or None


def how_to_get(backend: str) -> str:
    """Return the sentence for a backend that was neither found nor excluded."""
    return f"No {backend} server was found. Run `make servers` to install it. {how_to_exclude(backend)}"


def how_to_exclude(backend: str) -> str:
    """Return the sentence that names the other ways out."""
    others = ",".join(name for name in selected_backends() if name != backend)
    return (
        f"Set {URL_VARIABLES[backend]} to the URL of a {backend} server that runs already, "
        f"or exclude it with {SELECTION_VARIABLE}={others or 'sqlite'}."
    )
