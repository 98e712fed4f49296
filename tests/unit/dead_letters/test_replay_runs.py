"""How far the replays of a scope have come."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

from outbox import DeadLetter, DeadLetterScope, DeadLetterStatus
from outbox.dead_letters.replay_runs import CLAIMS, FORGOTTEN_AFTER, REMEMBERED, ReplayRuns

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
LETTER = DeadLetter(
    1, 1, "orders", 0, 1, 1, b"", "text/plain", {}, NOW, NOW, None, 1, DeadLetterStatus.REPROCESSING
)
SCOPE = DeadLetterScope(limit=2)


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def claimed(token: str, *ids: int) -> list[DeadLetter]:
    return [replace(LETTER, id=id_, claim=token) for id_ in ids]


def test_a_run_goes_on_behind_the_claims_of_which_something_was_rejected() -> None:
    runs = ReplayRuns()
    runs.replayed(SCOPE, claimed("a", 1, 2), 60)
    assert runs.passed(SCOPE) == 0
    runs.rejected(["a"])
    assert runs.passed(DeadLetterScope(limit=2)) == 2
    assert runs.passed(DeadLetterScope(limit=3)) == 0


def test_a_run_never_goes_back() -> None:
    runs = ReplayRuns()
    runs.replayed(SCOPE, claimed("a", 1, 2), 60)
    runs.replayed(SCOPE, claimed("b", 8, 9), 60)
    runs.rejected(["b"])
    runs.rejected(["a"])
    assert runs.passed(SCOPE) == 9


def test_a_replay_that_finds_nothing_ends_the_run() -> None:
    runs = ReplayRuns()
    runs.replayed(SCOPE, claimed("a", 1, 2), 60)
    runs.rejected(["a"])
    runs.replayed(SCOPE, [], 60)
    assert runs.passed(SCOPE) == 0


def test_a_claim_that_is_not_known_says_nothing() -> None:
    runs = ReplayRuns()
    runs.rejected(["of another process"])
    assert runs.passed(SCOPE) == 0


def test_a_run_is_forgotten_in_time_and_the_longer_its_claims_the_later() -> None:
    clock = Time()
    runs = ReplayRuns(clock)
    for timeout, lasts in ((1.0, FORGOTTEN_AFTER), (3600.0, CLAIMS * 3600.0)):
        began = clock.now
        runs.replayed(SCOPE, claimed("a", 1, 2), timeout)
        runs.rejected(["a"])
        clock.now = began + lasts - 1
        assert runs.passed(SCOPE) == 2
        clock.now = began + lasts
        assert runs.passed(SCOPE) == 0


def test_no_more_scopes_are_remembered_than_the_limit() -> None:
    runs = ReplayRuns()
    scopes = [DeadLetterScope(ids=[id_]) for id_ in range(1, REMEMBERED + 2)]
    for number, scope in enumerate(scopes):
        runs.replayed(scope, claimed(str(number), 7), 60)
        runs.rejected([str(number)])
    assert [runs.passed(scope) for scope in scopes].count(0) == 1
    assert runs.passed(scopes[0]) == 0
