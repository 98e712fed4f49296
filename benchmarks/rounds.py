"""Run jobs in turn, round after round, until each has enough calm repetitions."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from benchmarks.job import Job, Repetition
from benchmarks.servers import Servers


@dataclass(frozen=True)
class Patience:
    """How often, and what counts as calm. The result of a repetition has no say in it."""

    repetitions: int = 3
    rounds: int = 6
    """At most."""
    steal: float = 0.02
    """A repetition during which the host took a larger share of the processors is repeated."""

    def calm(self, repetition: Repetition) -> bool:
        return repetition.steal <= self.steal


Results = dict[str, list[Repetition]]


def run_rounds(jobs: Sequence[Job], servers: Servers, patience: Patience) -> tuple[Results, dict[str, str]]:
    """Return all repetitions of each job by its key, and what went wrong with those that failed.

    Round after round, not job after job: what changes on the machine in the meantime meets all alike.
    """
    results: defaultdict[str, list[Repetition]] = defaultdict(list)
    failures: dict[str, str] = {}
    # Ctrl-C ends the measuring, not the report.
    with suppress(KeyboardInterrupt):
        for number in range(1, patience.rounds + 1):
            due = [job for job in jobs if job.key not in failures and _wanting(results[job.key], patience)]
            for place, job in enumerate(due, 1):
                _tell(f"round {number}, {place} of {len(due)}: {job.key}")
                try:
                    results[job.key].append(job.run(servers))
                except Exception as error:  # whatever it is, the other jobs' results are kept
                    failures[job.key] = str(error)
                    _tell(f"{job.key}: {error}")
    return {key: found for key, found in results.items() if found}, failures


def _wanting(done: list[Repetition], patience: Patience) -> bool:
    return sum(map(patience.calm, done)) < patience.repetitions


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
