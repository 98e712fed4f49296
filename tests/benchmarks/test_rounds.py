"""Repetitions are repeated when the machine was disturbed, whatever they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from benchmarks.child import ChildFailed
from benchmarks.job import Job, Repetition
from benchmarks.load import Load
from benchmarks.measure.phase import Phase
from benchmarks.report.claim import Claim, Verdict
from benchmarks.report.figures import Figures
from benchmarks.rounds import Patience, run_rounds

NO_SERVERS = cast("Any", None)
PATIENCE = Patience(repetitions=2, rounds=4, steal=0.02)
ORDER: list[str] = []


class Told(Job):
    """Does what it was told: ``(seconds, steal)`` for each repetition, None for a failure."""

    def __init__(self, name: str, *script: tuple[float, float] | None) -> None:
        super().__init__(name, "none", (), Load())
        self.__dict__["script"] = iter(script)

    def run(self, servers: Any) -> Repetition:  # noqa: ARG002 - it needs none
        ORDER.append(self.name)
        step = next(cast("Iterator[tuple[float, float] | None]", self.__dict__["script"]))
        if step is None:
            raise ChildFailed("no such luck")
        return Repetition([Phase("work", 100, step[0])], 1.0, step[1])


def figures(*jobs: Job) -> tuple[Figures, dict[str, str]]:
    ORDER.clear()
    results, failures = run_rounds(jobs, NO_SERVERS, PATIENCE)
    return Figures(results, PATIENCE), failures


def rates(found: Figures, keys: Sequence[str]) -> list[float]:
    return [found.rate(key, "work") for key in keys]


def test_a_disturbed_repetition_is_repeated_and_left_out() -> None:
    found, _ = figures(Told("a", (1, 0.0), (50, 0.3), (2, 0.01)))
    assert found.calm("none/a") == (2, 3)
    assert rates(found, ["none/a"]) == [75]


def test_a_slow_repetition_on_a_calm_machine_is_kept() -> None:
    found, _ = figures(Told("a", (1, 0.0), (100, 0.0)))
    assert found.calm("none/a") == (2, 2)
    assert rates(found, ["none/a"]) == [50.5]


def test_patience_ends() -> None:
    found, _ = figures(Told("a", *[(1, 0.5)] * 9))
    assert found.calm("none/a") == (0, 4)
    assert rates(found, ["none/a"]) == [100]


def test_jobs_take_turns_and_one_that_fails_does_not_stop_the_others() -> None:
    found, failures = figures(Told("a", *[(1, 0.0)] * 2), Told("b", None), Told("c", *[(1, 0.0)] * 2))
    assert ORDER == ["a", "b", "c", "a", "c"]
    assert failures == {"none/b": "no such luck"}
    assert found.keys() == ["none/a", "none/c"]


def test_a_claim_is_met_or_falls_short_or_was_not_measured() -> None:
    found, _ = figures(Told("a", *[(1, 0.0)] * 2))

    def verdict(bound: float, *, at_most: bool = False, job: str = "none/a") -> Verdict:
        measure = Claim("row", "what", bound, "x", lambda f: f.rate(job, "work"), at_most)
        return measure.check(found).verdict

    assert [verdict(100), verdict(101)] == [Verdict.MET, Verdict.SHORT]
    assert [verdict(100, at_most=True), verdict(99, at_most=True)] == [Verdict.MET, Verdict.SHORT]
    assert verdict(1, job="none/b") is Verdict.UNKNOWN
