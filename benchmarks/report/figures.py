"""Medians over the calm repetitions."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from benchmarks.job import Repetition
from benchmarks.measure.phase import Phase
from benchmarks.rounds import Patience, Results


class Missing(LookupError):
    """A figure was not measured: its job did not run, or the server does not tell."""


class Figures:
    """Looks figures up by ``job`` (a key such as ``postgresql/drain``) and ``phase``.

    Disturbed repetitions count only where there is no calm one; `calm` tells.
    """

    def __init__(self, results: Results, patience: Patience) -> None:
        self._results = results
        self._patience = patience

    def keys(self) -> list[str]:
        return list(self._results)

    def calm(self, job: str) -> tuple[int, int]:
        """Return how many repetitions were calm, and how many there are."""
        done = self._results.get(job, [])
        return sum(map(self._patience.calm, done)), len(done)

    def disturbance(self) -> tuple[float, float]:
        """Return the median shares of the processors that the host took, and that other processes used."""
        runs = [run for done in self._results.values() for run in done]
        foreign = [phase.foreign or 0.0 for run in runs for phase in run.phases if phase.seconds > 0.1]
        return statistics.median(run.steal for run in runs), statistics.median(foreign or [0.0])

    def phases(self, job: str) -> list[str]:
        """Return the names of the job's phases."""
        return [phase.name for phase in self._results[job][0].phases]

    def rate(self, job: str, *phases: str) -> float:
        """Return messages a second through these phases, one after the other."""
        return self.median(job, lambda run: _through([_find(run, name) for name in phases]))

    def cost(self, job: str, figure: str, *phases: str) -> float:
        """Return a total per message, summed over phases; processor time in milliseconds."""
        return self.median(job, lambda run: sum(_cost(_find(run, name), figure) for name in phases))

    def extra(self, job: str, phase: str, *path: str) -> float:
        """Return what the workload itself noted."""
        return self.median(job, lambda run: _descend(_find(run, phase).extra, path))

    def values(self, job: str, phase: str, *path: str) -> list[float]:
        """Return all values of a list that the workload noted, of all repetitions together."""
        found: list[float] = []
        for run in self._considered(job):
            found += _descend(_find(run, phase).extra, path)
        return found

    def median(self, job: str, figure: Callable[[Repetition], float]) -> float:
        """Return the median of anything; raises `Missing`."""
        return statistics.median(figure(run) for run in self._considered(job))

    def _considered(self, job: str) -> list[Repetition]:
        done = self._results.get(job)
        if not done:
            raise Missing(job)
        return [run for run in done if self._patience.calm(run)] or done


def _find(run: Repetition, name: str) -> Phase:
    for phase in run.phases:
        if phase.name == name:
            return phase
    raise Missing(name)


def _through(phases: list[Phase]) -> float:
    return phases[0].messages / sum(phase.seconds for phase in phases)


def _cost(phase: Phase, figure: str) -> float:
    value = phase.per_message(figure)
    if value is None:
        raise Missing(figure)
    return value


def _descend(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(value, dict) or name not in value:
            raise Missing(name)
        value = value[name]
    return value
