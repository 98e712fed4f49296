"""What the machine did with its processors: the host's theft, and work that is not ours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")


class Host(NamedTuple):
    """Seconds of all processors together since the machine started."""

    total: float
    idle: float
    stolen: float

    @classmethod
    def now(cls) -> Host:
        """Read ``/proc/stat``."""
        user, nice, system, idle, iowait, irq, softirq, stolen, *_ = (
            int(field) / TICKS for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        )
        total = user + nice + system + idle + iowait + irq + softirq + stolen
        return cls(total, idle + iowait, stolen)

    def since(self, start: Host) -> Host:
        """Return the difference."""
        return Host(self.total - start.total, self.idle - start.idle, self.stolen - start.stolen)

    @property
    def steal(self) -> float:
        """The share that the host took."""
        return self.stolen / self.total if self.total else 0.0

    def foreign(self, ours: float) -> float:
        """Return the share used by others on this machine, given the seconds that were ours."""
        busy = self.total - self.idle - self.stolen
        return max(0.0, busy - ours) / self.total if self.total else 0.0
