"""Measure stretches of work on one database."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.measure.counters import Counters, Counts, PostgresCounters, counters_of
from benchmarks.measure.host import Host
from benchmarks.measure.instructions import OURS
from benchmarks.measure.phase import Phase
from benchmarks.measure.processes import children_cpu, server_pid, tree_cpu
from benchmarks.measure.profile import Snapshot, difference

if TYPE_CHECKING:
    from typing_extensions import Self


class Observer:
    """Watches one database from the process that does the work; make it once the tables are there.

    ::

        with Observer(url) as observer:
            with observer.phase("drain", 20_000) as phase:
                drain()
                observer.stop_clock(phase)   # optional: what follows is not timed any more
                disconnect()
            print(phase.to_line(), flush=True)

    Counters are read after the block: whatever closes connections belongs into it, after
    `stop_clock`, because a PostgreSQL backend may keep its own counts for a second.
    """

    def __init__(self, url: str) -> None:
        self._counters: Counters = counters_of(url)
        if isinstance(self._counters, PostgresCounters):
            # Else a checkpoint may come at any time, and each page changed after it goes to the log whole.
            self._counters.checkpoint()
        self._server = None if url.startswith("sqlite") else server_pid(url)
        self._open: dict[int, _Instant] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._counters.close()

    @contextmanager
    def phase(self, name: str, messages: int) -> Iterator[Phase]:
        """Measure the block; `messages` may be corrected in the phase until the end."""
        phase = Phase(name, messages)
        profile = self._profile()
        before = self._counters.read()
        self._open[id(phase)] = _Instant.at_start(self._server)
        yield phase
        self.stop_clock(phase)
        _fill_counts(phase, before, self._counters.read())
        if profile is not None:
            phase.extra["profile"] = difference(profile, self._profile() or {})

    def _profile(self) -> Snapshot | None:
        return self._counters.profile() if isinstance(self._counters, PostgresCounters) else None

    def stop_clock(self, phase: Phase) -> None:
        """Take time and processor time now; the block may go on. The second call does nothing."""
        start = self._open.pop(id(phase), None)
        if start is None:
            return
        end = _Instant.at_end(self._server)
        phase.seconds = end.at - start.at
        phase.client_cpu = end.client + end.living - start.client - start.living
        if end.instructions is not None and start.instructions is not None:
            phase.client_instructions = end.instructions - start.instructions
        if end.server is not None and start.server is not None:
            phase.server_cpu = end.server - start.server
        host = end.host.since(start.host)
        phase.steal = host.steal
        phase.foreign = host.foreign(phase.client_cpu + (phase.server_cpu or 0.0))


class _Instant:
    """All clocks at one moment.

    Walking through ``/proc`` takes milliseconds: at a start that comes before the clocks that it would
    disturb are read, and at an end after them.
    """

    at: float
    client: float
    instructions: int | None
    server: float | None
    living: float
    host: Host

    @classmethod
    def at_start(cls, server: int | None) -> _Instant:
        instant = cls()
        instant._walk(server)
        instant._read()
        return instant

    @classmethod
    def at_end(cls, server: int | None) -> _Instant:
        instant = cls()
        instant._read()
        instant._walk(server)
        return instant

    def _read(self) -> None:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        self.at = time.monotonic()
        self.client = sum(usage.ru_utime + usage.ru_stime for usage in used)
        self.instructions = OURS.read()

    def _walk(self, server: int | None) -> None:
        self.living = children_cpu(os.getpid())
        self.server = None if server is None else tree_cpu(server)
        self.host = Host.now()


def _fill_counts(phase: Phase, before: Counts, after: Counts) -> None:
    for name in Counts._fields:
        first, last = getattr(before, name), getattr(after, name)
        setattr(phase, name, None if first is None or last is None else last - first)
