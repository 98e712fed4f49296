"""One thing to measure: a child to be run on an empty database of some server."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from benchmarks.child import run_child
from benchmarks.load import Load
from benchmarks.measure.host import Host
from benchmarks.measure.phase import Phase
from benchmarks.servers import Servers

URL = "{url}"


@dataclass(frozen=True)
class Job:
    """A child's command line; `URL` in it stands for the database's URL."""

    name: str
    backend: str
    arguments: tuple[str, ...]
    """The module, and what it is given."""
    load: Load
    """The last argument; peers are told the number of messages alone."""
    settings: Mapping[str, object] = field(default_factory=dict, hash=False, compare=False)

    @property
    def key(self) -> str:
        """The name under which results are found."""
        return f"{self.backend}/{self.name}"

    def divided(self, fraction: int) -> Job:
        """Return the same job with so much less to do."""
        load = self.load.divided(fraction)
        last = str(load.messages) if self.arguments[-1].isdigit() else load.to_json()
        return replace(self, load=load, arguments=(*self.arguments[:-1], last))

    def run(self, servers: Servers) -> Repetition:
        """Run it once, on a database of its own."""
        with servers.database(self.backend) as url:
            module, *arguments = (url if word == URL else word for word in self.arguments)
            began, host = time.monotonic(), Host.now()
            phases = run_child(module, *arguments)
            return Repetition(phases, time.monotonic() - began, Host.now().since(host).steal)


@dataclass(frozen=True)
class Repetition:
    """One run of a job."""

    phases: list[Phase]
    seconds: float
    """Of the whole child, preparation included."""
    steal: float
    """Over the same time: of milliseconds, the share would be no more than a tick of the clock."""


def workload(name: str, backend: str, module: str, load: Load) -> Job:
    """Return the job that runs one of our workloads."""
    arguments = ("benchmarks.workloads", module, URL, load.to_json())
    return Job(name, backend, arguments, load, settings={"workload": module, **load.changes()})


def other_library(name: str, backend: str) -> Job:
    """Return the job that drains the same backlog with another library."""
    load = Load()
    arguments = ("benchmarks.peers", name, URL, str(load.messages))
    return Job(f"peer {name}", backend, arguments, load, settings={"messages": load.messages})
