"""What the doctor looks at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from outbox.backends.protocol import Backend
from outbox.facade.options import Options
from outbox.facade.status import OutboxStatus, read_status
from outbox.statements.tables import DEFAULT_PREFIX


@dataclass(frozen=True)
class Patient:
    """A database that can be reached, and the application's options when they are known."""

    backend: Backend
    target: object
    """What the backend was opened with."""
    options: Options | None = None
    stalled_after: float = 60.0
    """Seconds that a message may wait before a worker should have taken it."""
    watched_for: float = 2.0
    """Seconds to watch whether a worker moves a cursor."""

    @property
    def is_embedded(self) -> bool:
        """Whether there is no server."""
        return self.backend.catalog.dialect.is_embedded

    @cached_property
    def facts(self) -> dict[str, str]:
        """What the server says of itself, by lower-case name; empty without one."""
        asked = [name for name in ("server_facts", "connections") if name in self.backend.catalog]
        rows = [row for name in asked for row in self.backend.query(name)]
        return {str(name).lower(): str(value) for name, value in rows}

    @cached_property
    def status(self) -> OutboxStatus:
        """The state of every partition and the number of dead letters, read once for all checks."""
        return read_status(self.backend)

    @property
    def partition_ids(self) -> list[int]:
        """Every partition, of all queues."""
        return [int(row[0]) for row in self.backend.query("all_partitions")]

    def command(self, words: str) -> str:
        """Return a command of the CLI with the options that name this family of tables."""
        naming = self.backend.naming
        prefix = "" if naming.prefix == DEFAULT_PREFIX else f" --prefix {naming.prefix}"
        schema = f" --schema {naming.schema}" if naming.schema else ""
        return f"outbox {words}{prefix}{schema}"
