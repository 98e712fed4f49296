"""What a library has to do to be measured beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

from benchmarks.peers.tally import Tally


class Setting(NamedTuple):
    """What was set, and why; the adapter reads the value from here."""

    value: Any
    why: str
    see: str
    """Where the library's documentation says so."""


class Peer(Protocol):
    """One library on one empty database; made with the database's URL, used from one thread.

    Its module imports without the library, so that its settings can always be read.
    """

    distribution: ClassVar[str]
    """Its name in the package index; the installed version is reported."""
    settings: ClassVar[Mapping[str, Setting]]

    def __init__(self, url: str) -> None: ...

    def prepare(self) -> None:
        """Create the library's tables."""

    def connect(self) -> None:
        """Open what `enqueue` needs; not measured."""

    def enqueue(self, payloads: Sequence[bytes], batch: int) -> None:
        """Enqueue the payloads, ``batch`` of them in each transaction."""

    def close(self) -> None:
        """Close what `connect` opened, so that the server's counters are complete."""

    def drain(self, tally: Tally) -> None:
        """Run one worker, in this process, until the tally is complete and all is acknowledged."""

    def pending(self) -> int:
        """Count the messages that are not acknowledged."""
