"""Let several processes begin at the same moment."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from tests.support.processes import Child


def wait_at(gate: str) -> None:
    """Say in a child process that all is ready, and go on once the test opens the gate."""
    # In one piece: several threads may print.
    print(f"ready for {Path(gate).name}\n", end="")
    deadline = time.monotonic() + 60
    while not Path(gate).exists():
        assert time.monotonic() < deadline, "nobody opened the gate"
        time.sleep(0.0005)


def open_gate(gate: Path, children: Iterable[Child]) -> None:
    """Let the children pass once every one of them waits."""
    for child in children:
        child.wait_for_line(f"^ready for {gate.name}$")
    gate.touch()
