"""Most wake-ups of a stream are left out, and whoever hears of the stream looks after every one of them."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from outbox.wakeups.coalescer import GAP, FollowUpPoll, NotifyCoalescer, Wake

PAUSES = st.lists(st.floats(0, 3 * GAP), min_size=1, max_size=60)
DELAYS = st.lists(st.floats(0, 2 * GAP), min_size=60, max_size=60)


def decisions(pauses: list[float]) -> list[tuple[float, Wake]]:
    coalescer = NotifyCoalescer()
    now = 100.0
    found = []
    for pause in pauses:
        now += pause
        found.append((now, coalescer.next(now)))
    return found


def test_those_that_are_far_apart_are_all_sent() -> None:
    assert [wake for _, wake in decisions([GAP * 1.1] * 5)] == [Wake.SEND] * 5


def test_of_a_stream_one_in_a_gap_is_sent() -> None:
    wakes = [wake for _, wake in decisions([GAP / 100] * 1_000)]
    assert wakes[:2] == [Wake.SEND, Wake.SEND_FOR_MORE]
    assert 9 <= wakes.count(Wake.SEND_FOR_MORE) <= 11
    assert wakes.count(Wake.SEND) == 1


def test_after_a_failure_nothing_is_left_out() -> None:
    coalescer = NotifyCoalescer()
    assert [coalescer.next(at) for at in (1.0, 1.001, 1.002)] == [
        Wake.SEND,
        Wake.SEND_FOR_MORE,
        Wake.SKIP,
    ]
    coalescer.failed()
    assert coalescer.next(1.003) is Wake.SEND


@given(PAUSES, DELAYS)
@example([0.0, GAP / 10, GAP * 0.8], [0.0] * 60)
def test_after_every_wake_up_that_was_left_out_the_receiver_looks(
    pauses: list[float], delays: list[float]
) -> None:
    events = decisions(pauses)
    # However late each one arrives; they arrive in the order in which they were sent.
    heard = [0.0]
    left_out = []
    for (at, wake), delay in zip(events, delays, strict=False):
        if wake is Wake.SEND_FOR_MORE:
            heard.append(max(at + delay, heard[-1]))
        elif wake is Wake.SKIP:
            left_out.append((at, heard[-1]))
    looks = looks_of(heard[1:])
    for at, announced in left_out:
        assert any(at <= look <= announced + 1.01 * GAP for look in looks)


def looks_of(heard: list[float]) -> list[float]:
    """Return when somebody looks who hears of a stream at these times."""
    later, looks, now, end = FollowUpPoll(), [], 0.0, 1_000.0
    for moment in [*heard, end]:
        while (at := now + later.wait(now, end)) < min(moment, end):
            # A wait may end a little late, never early.
            now = at + 1e-9
            assert later.due(now)
            looks.append(now)
        if moment < end:
            now = max(now, moment)
            later.heard(now)
    return looks


def test_a_stream_is_looked_at_once_a_gap_and_once_after_its_end() -> None:
    later = FollowUpPoll()
    assert later.wait(0.0, 60.0) == 60.0
    assert not later.due(0.0)
    later.heard(1.0)
    later.heard(1.0 + GAP / 2)
    assert later.wait(1.0 + GAP / 2, 60.0) < GAP
    assert [later.due(1.0 + GAP), later.due(1.0 + GAP)] == [True, False]
    assert later.due(1.0 + 2 * GAP)
    assert later.wait(2.0, 60.0) == 60.0
