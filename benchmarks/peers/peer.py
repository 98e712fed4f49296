"""What a library has to do to be measured beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Peer(Protocol):
    """One library on one empty database; made with the database's URL, used from one thread."""

    name: str
    distribution: str
    """Its name in the package index; the installed version is reported."""
    settings: Mapping[str, object]
    """What was set, and where its documentation says so."""

    def prepare(self) -> None:
        """Create the library's tables."""

    def enqueue(self, payloads: Sequence[bytes], batch: int) -> None:
        """Enqueue the payloads, ``batch`` of them in each transaction."""

    def drain(self, expected: int) -> None:
        """Run one worker, in this process, until so many handler calls were seen."""

    def close(self) -> None:
        """Close connections, so that the server's counters are complete."""
