"""The library's statements without the library, stage after stage on one connection."""

from __future__ import annotations

from benchmarks.bare.mysql import BareMysql
from benchmarks.bare.postgresql import BarePostgres
from benchmarks.bare.script import Bare
from benchmarks.bare.sqlite import BareSqlite
from benchmarks.load import Load
from benchmarks.measure import Observer

SCRIPTS: dict[str, type[Bare]] = {"postgresql": BarePostgres, "mysql": BareMysql, "sqlite": BareSqlite}


def run(url: str, load: Load) -> None:
    """Print ``enqueue``, ``sequence``, ``process`` and ``vacuum``."""
    script = SCRIPTS[url.partition(":")[0]](url, load, group=load.group, limit=load.limit)
    stages = {
        "enqueue": script.enqueue,
        "sequence": script.sequence,
        "process": script.process,
        "vacuum": script.vacuum,
    }
    with Observer(url) as observer:
        for name, stage in stages.items():
            with observer.phase(name, load.messages) as phase:
                stage()
            print(phase.to_line())
    script.close()
