"""What a log collector reads."""

from __future__ import annotations

import json
import logging
import sys

from outbox.cli.logs import JsonLines, switch_on_again


def record(message: str, *arguments: object, **attributes: object) -> logging.LogRecord:
    made = logging.LogRecord("outbox.workers", logging.WARNING, __file__, 1, message, arguments, None)
    vars(made).update(attributes)
    return made


def test_a_record_is_one_line_with_its_fields() -> None:
    line = JsonLines().format(record("lease of %s\nlost", "orders", queue="orders", partition=3, created=0.5))

    assert "\n" not in line
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.500Z",
        "level": "warning",
        "logger": "outbox.workers",
        "thread": "MainThread",
        "message": "lease of orders\nlost",
        "queue": "orders",
        "partition": 3,
    }


def test_an_exception_comes_with_its_traceback_and_any_value_can_be_written() -> None:
    try:
        int("the shelf is gone")
    except ValueError:
        line = JsonLines().format(record("failed", exc_info=sys.exc_info(), payload=b"\xff", thread="mine"))

    found = json.loads(line)
    assert found["exception"].endswith("'the shelf is gone'")
    assert (found["payload"], found["thread"]) == ("b'\\xff'", "MainThread")


def test_our_loggers_speak_after_an_application_has_set_up_its_own() -> None:
    ours, others = logging.getLogger("outbox.of_this_test"), logging.getLogger("outboxed.of_this_test")
    ours.disabled = others.disabled = True

    switch_on_again()

    assert (ours.disabled, others.disabled) == (False, True)
    others.disabled = False
