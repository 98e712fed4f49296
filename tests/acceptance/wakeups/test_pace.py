"""Each profile paces its workers as the numbers of its tunings say, worked out by hand."""

from __future__ import annotations

import pytest

from outbox import OutboxProfile, WorkerTuning
from outbox.facade.threads import pacing_of
from outbox.runtime.directive import Idle, Proceed
from outbox.runtime.pacing import Pace
from tests.acceptance.bench import Bench, Hands

ROUNDS = 3

BALANCED = OutboxProfile.balanced()
LOW_LATENCY = OutboxProfile.low_latency()
HIGH_THROUGHPUT = OutboxProfile.high_throughput()
RELAXED = OutboxProfile.relaxed()

# Milliseconds of the pauses between rounds that found work; then seconds of the longest wait for the next work.
TRACES = [
    pytest.param(
        BALANCED.sequencer, [500, 450, 400, 350, 300, 250, 200, 150, 100, 100], 600, id="balanced sequencer"
    ),
    pytest.param(
        BALANCED.processor, [500, 450, 400, 350, 300, 250, 200, 150, 100, 100], 600, id="balanced processor"
    ),
    pytest.param(BALANCED.vacuum, [1000] * 4, 3600, id="vacuum"),
    pytest.param(LOW_LATENCY.sequencer, [1] * 4, 60, id="low latency sequencer"),
    pytest.param(LOW_LATENCY.processor, [2, 1, 1, 1], 60, id="low latency processor"),
    pytest.param(
        HIGH_THROUGHPUT.sequencer,
        [100, 90, 80, 70, 60, 50, 40, 30, 20, 10, 10],
        600,
        id="high throughput sequencer",
    ),
    pytest.param(
        HIGH_THROUGHPUT.processor,
        [20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 1, 1],
        600,
        id="high throughput processor",
    ),
    pytest.param(RELAXED.sequencer, [500, 400, 300, 200, 100, 100], 600, id="relaxed sequencer"),
    pytest.param(
        RELAXED.processor, [500, 450, 400, 350, 300, 250, 200, 150, 100, 100], 600, id="relaxed processor"
    ),
]


@pytest.mark.parametrize(("tuning", "pauses", "idle"), TRACES)
def test_a_worker_takes_up_speed_while_there_is_work_and_starts_gently_again(
    tuning: WorkerTuning, pauses: list[int], idle: int
) -> None:
    pace = Pace(pacing_of(tuning))
    for _ in range(2):
        assert [pace.next(Proceed()).seconds * 1000 for _ in pauses] == pytest.approx(pauses)
        assert pace.next(Idle()).seconds == idle


@pytest.mark.parametrize(
    "profile",
    [BALANCED, LOW_LATENCY, HIGH_THROUGHPUT, RELAXED],
    ids=["balanced", "low latency", "high throughput", "relaxed"],
)
def test_the_workers_leave_their_pauses_to_that_pace_as_long_as_there_is_work(
    bench: Bench, profile: OutboxProfile
) -> None:
    hands = over_a_backlog(bench, profile)
    assert [hands._sequencer.run_once() for _ in range(ROUNDS)] == [Proceed()] * ROUNDS
    hands.sequence()
    assert hands._sequencer.run_once() == Idle()
    assert [hands._processor.run_once() for _ in range(ROUNDS)] == [Proceed()] * ROUNDS
    hands.work()
    assert hands._processor.run_once() == Idle()
    vacuum = hands.pipeline.vacuum()
    assert [vacuum.run_once(), vacuum.run_once()] == [Proceed(pause=1.0), Idle()]


def test_the_default_profiles_processors_do_not_pause_over_a_backlog(bench: Bench) -> None:
    hands = over_a_backlog(bench, OutboxProfile.adaptive())
    hands.sequence()
    assert [hands._processor.run_once() for _ in range(ROUNDS)] == [Proceed(pause=0)] * ROUNDS


def over_a_backlog(bench: Bench, profile: OutboxProfile) -> Hands:
    """Return workers that take one message at once, and have many before them."""
    portions = profile.replace(
        sequencer=profile.sequencer.batch_size(1), processor=profile.processor.batch_size(1)
    )
    hands = bench.by_hand(lambda queue: queue.leased(lambda _msg: None), profile=portions)
    bench.send(*range(60))
    hands.look()
    return hands
