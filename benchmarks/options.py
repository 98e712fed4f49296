"""The command line."""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.job import Job
from benchmarks.rounds import Patience

RESULTS = Path("build/bench")


@dataclass(frozen=True)
class Options:
    """What a run was told."""

    patience: Patience
    urls: dict[str, str]
    directory: Path
    only: re.Pattern[str] | None
    long: bool
    peers: bool
    fraction: int
    """Messages are divided by it."""
    show: bool
    results: Path
    drawing: bool

    def choose(self, plan: Any) -> list[Job]:
        """Return the jobs to run, of the module that lists them."""
        jobs = [*plan.core(), *(plan.peers() if self.peers else ()), *(plan.long() if self.long else ())]
        chosen = [job for job in jobs if self.only is None or self.only.search(job.key)]
        return [job.divided(self.fraction) for job in chosen]


def parse(arguments: Sequence[str] | None) -> Options:
    """Read the command line."""
    given = _parser().parse_args(arguments)
    quick = given.quick or given.smoke
    patience = Patience(
        1 if quick else given.repetitions, 1 if quick else 2 * given.repetitions, given.steal / 100
    )
    urls = {"postgresql": given.postgres_url, "mysql": given.mysql_url, "mariadb": given.mariadb_url}
    return Options(
        patience=patience,
        urls={name: url for name, url in urls.items() if url},
        directory=Path(given.directory or tempfile.gettempdir()),
        only=re.compile(given.only) if given.only else None,
        long=given.long,
        peers=not given.no_peers,
        fraction=100 if given.smoke else 4 if given.quick else 1,
        show=given.list,
        results=given.results,
        drawing=not given.no_picture,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the outbox.")
    add = parser.add_argument
    add("--list", action="store_true", help="show the jobs and end")
    add("--only", metavar="REGEX", help="run the jobs whose name matches, such as 'postgresql/drain'")
    add("--quick", action="store_true", help="one repetition of a quarter of the messages")
    add("--smoke", action="store_true", help="one repetition of a hundredth: does everything run?")
    add("--long", action="store_true", help="also the shapes: backlogs, partitions, queues, processes")
    add("--no-peers", action="store_true", help="leave the other libraries out")
    add("--repetitions", type=int, default=3, help="calm ones of each job (default 3)")
    add("--steal", type=float, default=2.0, metavar="PERCENT", help="what is still calm (default 2)")
    for name in ("postgres", "mysql", "mariadb"):
        add(f"--{name}-url", metavar="URL", help="a server that runs already; else one is started")
    add("--directory", help="where servers and SQLite files live (default: the temporary folder)")
    add("--results", type=Path, default=RESULTS, help=f"folder for the files (default {RESULTS})")
    add("--no-picture", action="store_true")
    return parser
