from __future__ import annotations

import pytest

from outbox.backends.postgresql.kept_plans import (
    BACKGROUND_STATEMENTS,
    GENERATIONS,
    MANY,
    MINUTE,
    QUIET,
    SLOW,
    KeptPlans,
)
from outbox.backends.postgresql.plan_chooser import MAX_REST, MAX_SLOWDOWN, RETRY_FACTOR

PLANNING = 0.001


class Stream:
    """Runs of statements, each a little after the one before; ``kept`` is what the kept plan takes."""

    def __init__(self) -> None:
        self.now = 100.0
        self.kept = {"sequence": 0.002, "renew": 0.002}
        self.plans = KeptPlans(lambda: self.now)

    @property
    def text(self) -> str:
        return self.plans.text_of("SELECT 1")

    def run(self, statement: str, seconds: float | None = None, *, messages: int = 1) -> bool:
        """Run a statement, and tell whether that was with the kept plan."""
        kept = self.plans.usable(statement)
        took = seconds or (self.kept[statement] if kept else 0.002 + PLANNING)
        self.now += took
        self.plans.ran(statement, took, kept=kept, messages=messages)
        self.now += 0.01
        return kept

    def share(self, statement: str, seconds: float) -> float:
        """Return how many of the runs in so many seconds used the kept plan, from 0 to 1."""
        until = self.now + seconds
        runs = []
        while self.now < until:
            runs.append(self.run(statement))
        return sum(runs) / len(runs)


@pytest.fixture
def stream() -> Stream:
    """A stream that has been going on for a while."""
    stream = Stream()
    assert not stream.run("sequence"), "of which nothing is known yet"
    for _ in range(5):
        stream.run("sequence")
        stream.run("renew")
    assert stream.run("sequence")
    assert stream.run("renew")
    return stream


def test_the_first_run_after_a_quiet_second_is_planned_for_itself(stream: Stream) -> None:
    stream.now += QUIET * 0.6
    assert stream.run("sequence")
    stream.now += QUIET * 0.6
    assert not stream.run("renew")
    assert stream.run("renew")


def test_many_messages_begin_a_new_generation_of_plans_at_most_once_a_minute(stream: Stream) -> None:
    texts = [stream.text]
    stream.run("renew", messages=MANY - 1)
    assert stream.text == texts[0]
    for _ in range(GENERATIONS):
        stream.run("renew", messages=MANY)
        texts.append(stream.text)
        stream.now += MINUTE - 1
        stream.run("renew", messages=MANY)
        assert stream.text == texts[-1]
        stream.now += 1
    assert len(set(texts)) == GENERATIONS + 1
    stream.run("renew", messages=MANY)
    assert stream.text == texts[1], "no connection gets ever more statements"


def test_a_new_generation_has_proved_nothing_yet(stream: Stream) -> None:
    stream.run("renew", messages=MANY)
    assert [stream.run("sequence") for _ in range(3)] == [False, True, True]


def test_runs_of_many_messages_say_nothing_of_the_others(stream: Stream) -> None:
    for _ in range(3):
        stream.run("sequence", SLOW, messages=MANY)
    stream.kept["sequence"] = 0.5
    runs = [stream.run("sequence") for _ in range(10)]
    assert runs[-1] is False
    assert sum(runs) <= 3


def test_an_outgrown_statement_is_planned_for_itself_for_a_minute(stream: Stream) -> None:
    stream.plans.outgrown("sequence")
    assert stream.share("sequence", MINUTE) == 0
    assert stream.share("renew", 1.0) > 0.9
    assert stream.share("sequence", 1.0) > 0.9


def test_a_run_of_many_messages_that_is_slow_with_a_kept_plan_is_the_last_one(stream: Stream) -> None:
    stream.run("renew", messages=MANY)
    stream.now += 10
    stream.share("sequence", 1.0)
    assert stream.run("sequence", 5.0, messages=MANY), "there is no new generation within a minute"
    assert stream.share("sequence", MINUTE - 1) == 0
    stream.share("sequence", 2.0)
    assert stream.share("sequence", 1.0) > 0.9


def test_a_slow_run_of_many_messages_with_a_new_plan_says_nothing_of_the_kept_one(stream: Stream) -> None:
    stream.now += QUIET * 2
    assert not stream.run("sequence", 5.0, messages=MANY)
    stream.run("sequence")
    assert stream.run("sequence")


def test_a_plan_that_has_become_slow_is_left_after_three_runs(stream: Stream) -> None:
    stream.kept["sequence"] = 0.05
    assert [stream.run("sequence") for _ in range(4)] == [True, True, True, False]
    assert 0 < stream.share("sequence", RETRY_FACTOR * 0.05 * 2) < 0.01, "it is tried now and then"
    assert stream.share("renew", 1.0) > 0.9


def test_a_plan_that_has_become_fast_again_is_found_out(stream: Stream) -> None:
    stream.kept["sequence"] = 5.0
    stream.share("sequence", 20.0)
    assert stream.share("sequence", MAX_REST / 2) == 0
    stream.kept["sequence"] = 0.002
    stream.share("sequence", MAX_REST * 2)
    assert stream.share("sequence", 10.0) > 0.9


def test_a_plan_that_spares_nothing_yet_is_used(stream: Stream) -> None:
    stream.kept["sequence"] = 0.002 + 2 * PLANNING
    assert stream.share("sequence", 60.0) > 0.98
    stream.kept["sequence"] = MAX_SLOWDOWN * (0.002 + PLANNING) + 0.0001
    assert stream.share("sequence", 60.0) < 0.05


def test_one_slow_run_decides_nothing(stream: Stream) -> None:
    assert [stream.run("sequence", seconds) for seconds in (0.1, 0.1, None, 0.1, 0.1, None)] == [True] * 6


def test_planning_is_tried_now_and_then_although_the_kept_plan_is_good(stream: Stream) -> None:
    assert 0.98 < stream.share("sequence", RETRY_FACTOR * 0.003 * 5) < 1


@pytest.mark.parametrize("statement", sorted(BACKGROUND_STATEMENTS))
def test_what_no_message_waits_for_is_always_planned_for_itself(statement: str, stream: Stream) -> None:
    stream.kept[statement] = 0.0001
    assert stream.share(statement, 2.0) == 0
