"""Whom the doctor looks at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from outbox.backends.protocol import Backend
from outbox.cli.settings import Settings
from outbox.facade.options import Options


@dataclass(frozen=True)
class Patient:
    """A database that can be reached, and the application's options when they are known."""

    backend: Backend
    target: object
    """What the backend was opened with."""
    settings: Settings
    options: Options | None = None
    stalled_after: float = 60.0
    """Seconds that a message may wait before somebody should have come for it."""
    watched_for: float = 2.0
    """Seconds to watch whether anybody moves a cursor."""

    @property
    def is_sqlite(self) -> bool:
        """Whether there is no server."""
        return self.backend.catalog.backend == "sqlite"

    @cached_property
    def facts(self) -> dict[str, str]:
        """What the server says of itself; empty on SQLite."""
        rows = [] if self.is_sqlite else self.backend.look("server_facts")
        if self.backend.catalog.backend == "mysql":
            rows += self.backend.look("connections")
        return {str(name).lower(): str(value) for name, value in rows}
