"""What was measured over one stretch of work."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Phase:
    """One stretch of work on a number of messages. A figure that could not be measured is None.

    Counts are totals of the phase, not per message; the server's are those of the whole server.
    """

    name: str
    messages: int
    seconds: float = 0.0
    client_cpu: float = 0.0
    """Seconds of user and system time of this process and of its children."""
    client_instructions: int | None = None
    """Outside the kernel, where the machine can count them."""
    server_cpu: float | None = None
    """The same of the database server: all of its processes, those that ended included."""
    log_bytes: int | None = None
    """PostgreSQL: write-ahead log. MySQL, MariaDB: redo log. SQLite: what the process wrote to files."""
    log_images: int | None = None
    """PostgreSQL: full page images among them, which follow a checkpoint and not the work."""
    syncs: int | None = None
    """How often the server flushed its log to disk."""
    commits: int | None = None
    statements: int | None = None
    """Statements that the server executed, BEGIN and COMMIT included."""
    steal: float = 0.0
    """Share of the machine's processor time that its host gave to others."""
    foreign: float | None = None
    """Share of it that was used by processes other than the client and the server."""
    extra: dict[str, Any] = field(default_factory=dict)
    """What the workload itself has to say, such as latencies."""

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds if self.seconds else 0.0

    def per_message(self, figure: str) -> float | None:
        """Return one of the totals divided by the messages; seconds become milliseconds."""
        total: float | None = getattr(self, figure)
        scale = 1_000 if figure in {"client_cpu", "server_cpu"} else 1
        return None if total is None or not self.messages else total * scale / self.messages

    def to_line(self) -> str:
        """Return the phase as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Phase:
        """Return the phase that such a line, decoded, describes."""
        return cls(**fields)


def phases_in(lines: Iterable[str]) -> list[Phase]:
    """Return the phases among a child's lines; whatever is not a JSON object is left alone."""
    return [Phase.from_json(json.loads(line)) for line in lines if line.startswith('{"name"')]
