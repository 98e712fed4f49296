from __future__ import annotations

import logging

import pytest

from outbox.runtime.observers import Observers
from outbox.runtime.throttle import Throttle
from tests.unit.runtime.support import FakeClock


class Rain:
    pass


class Snow:
    pass


def test_each_observer_is_told_what_it_asked_for_in_the_order_given() -> None:
    told: list[tuple[str, object]] = []
    rain, snow = Rain(), Snow()
    observers = Observers([lambda event: told.append(("all", event))]).plus(
        lambda event: told.append(("rain", event)), [Rain]
    )
    observers.tell(rain)
    observers.tell(snow)
    assert told == [("rain", rain), ("all", rain), ("all", snow)]


def test_what_nothing_wants_is_known() -> None:
    assert not Observers().want(Rain)
    observers = Observers(chosen=[(lambda _event: None, [Rain])])
    assert (observers.want(Rain), observers.want(Snow)) == (True, False)


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(3)])
def test_a_failing_observer_is_logged_once_a_minute_and_keeps_nothing_from_the_others(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(_event: object) -> None:
        raise error

    clock = FakeClock()
    told: list[object] = []
    observers = Observers([failing, told.append], throttle=Throttle(longest=60.0, clock=clock))
    with caplog.at_level(logging.ERROR, "outbox.observers"):
        for _ in range(300):
            observers.tell(Rain())
            clock.advance(1)
    assert len(told) == 300
    assert len(caplog.records) == 5
    assert "59 more such failures were not logged" in caplog.records[-1].getMessage()
    assert caplog.records[0].exc_info is not None


def test_a_user_s_interrupt_passes_through() -> None:
    def interrupted(_event: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Observers([interrupted]).tell(Rain())
