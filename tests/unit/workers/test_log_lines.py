from __future__ import annotations

import logging
from dataclasses import fields
from typing import Any

import pytest

from outbox import events
from outbox.runtime.throttle import Throttle
from outbox.workers.log_lines import MESSAGE, LogLines
from tests.unit.runtime.support import FakeClock

PLACE: Any = {"queue": "orders", "partition": 3, "partition_id": 9}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lines(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> LogLines:
    caplog.set_level(logging.DEBUG, "outbox")
    return LogLines(Throttle(clock=clock))


def raised(error: BaseException) -> BaseException:
    """Return the exception with a traceback, as one that was caught."""
    try:
        raise_(error)
    except BaseException as caught:
        return caught
    raise AssertionError


def raise_(error: BaseException) -> None:
    raise error


def handler_failed(error: BaseException) -> events.HandlerFailed:
    return events.HandlerFailed(**PLACE, seq=7, message_id=107, attempts=1, reason="no lines", error=error)


def test_a_handler_s_exception_is_logged_with_its_place_and_traceback(
    lines: LogLines, caplog: pytest.LogCaptureFixture
) -> None:
    lines(handler_failed(raised(ValueError("no lines"))))
    [record] = caplog.records
    assert (record.name, record.levelno) == ("outbox.handlers", logging.ERROR)
    assert record.getMessage() == "handler failed; queue orders, partition 3, from seq 7 on: no lines"
    assert record.exc_info is not None
    assert record.exc_info[0] is ValueError
    told = {name: vars(record)[name] for name in ("event", *MESSAGE)}
    assert told == {
        "event": "outbox.handler_failed",
        "queue": "orders",
        "partition": 3,
        "partition_id": 9,
        "seq": 7,
        "message_id": 107,
        "key": None,
        "attempts": 1,
    }


@pytest.mark.parametrize("error", [SystemExit(1), GeneratorExit(), KeyboardInterrupt()])
def test_a_handler_that_tries_to_end_its_thread_is_critical(
    lines: LogLines, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    lines(handler_failed(raised(error)))
    assert caplog.records[0].levelno == logging.CRITICAL


def failed(error: Exception, failures: int, worker: str = "outbox-vacuum") -> events.WorkerFailed:
    return events.WorkerFailed(worker=worker, failures=failures, retry_in=5.0, error=raised(error))


def test_an_outage_of_an_hour_is_a_few_lines_with_one_traceback_and_its_end(
    lines: LogLines, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for failures in range(1, 721):
        lines(failed(ConnectionError("down"), failures))
        clock.advance(5)
    lines(events.WorkerRecovered(worker="outbox-vacuum", failures=720, seconds=3600.0))
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert 4 <= len(errors) <= 8
    assert [bool(record.exc_info) for record in errors] == [True] + [False] * (len(errors) - 1)
    assert "outbox-vacuum recovered after 720 failures in 3600.0 s: ConnectionError" in caplog.text


def test_another_kind_of_failure_and_another_worker_are_logged_at_once(
    lines: LogLines, caplog: pytest.LogCaptureFixture
) -> None:
    lines(failed(ConnectionError("down"), 1))
    lines(failed(ConnectionError("down"), 2))
    lines(failed(KeyError("x"), 3))
    lines(failed(ConnectionError("down"), 1, "outbox-sequencer-0"))
    assert [bool(record.exc_info) for record in caplog.records] == [True, True, True]


def test_a_failure_after_a_recovery_is_logged_at_once(
    lines: LogLines, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        lines(failed(ConnectionError("down"), 1))
        lines(events.WorkerRecovered(worker="outbox-vacuum", failures=1, seconds=0.1))
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"] * 2


def test_lost_wakeups_are_logged_once_until_they_are_back(
    lines: LogLines, caplog: pytest.LogCaptureFixture
) -> None:
    lost = events.WakeupsLost(sending=False, error=ConnectionError("cut"), retry_in=30.0)
    for event in (lost, lost, events.WakeupsRestored(), lost):
        lines(event)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "WARNING"]


def test_each_event_has_a_stable_name_of_its_own_and_fields_to_be_taken_by_name() -> None:
    kinds = [
        kind
        for kind in vars(events).values()
        if isinstance(kind, type) and issubclass(kind, events.Event) and kind is not events.Event
    ]
    assert len({kind.name for kind in kinds}) == len(kinds) == 20
    for kind in kinds:
        assert all(field.kw_only for field in fields(kind)), kind


def test_a_text_of_megabytes_is_cut_in_the_traceback_also_of_the_error_it_came_from(
    lines: LogLines, caplog: pytest.LogCaptureFixture
) -> None:
    error = raised(ValueError("x" * 5_000_000))
    outer = raised(RuntimeError("short"))
    outer.__cause__ = error
    for each in (error, outer):
        caplog.clear()
        lines(handler_failed(each))
        text = logging.Formatter().format(caplog.records[0])
        assert len(text) < 10_000
        assert "ValueError: xxx" in text
        assert "raise_(error)" in text
