from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import pytest

from outbox.handlers.call import call_handler
from outbox.handlers.outcome import Answer, Done, Failed, Rejected
from outbox.values.results import Reject, Retry, Success


def raising(error: BaseException) -> Callable[[], object]:
    def handler() -> object:
        raise error

    return handler


@pytest.mark.parametrize("answer", [None, Success()])
def test_none_and_success_are_success(answer: object) -> None:
    assert call_handler(lambda: answer) == Done()


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        (Retry("busy", delay=3, counts=False), Failed("busy", 3.0, counts=False)),
        (Reject("broken"), Rejected("broken")),
    ],
)
def test_a_result_is_the_same_returned_or_raised(result: Retry | Reject, answer: Answer) -> None:
    assert call_handler(lambda: result) == answer
    assert call_handler(raising(result)) == answer


def test_an_exception_is_a_retry_with_its_type_and_text() -> None:
    error = ValueError("no lines")
    answer = call_handler(raising(error))
    assert answer == Failed("ValueError: no lines")
    assert isinstance(answer, Failed)
    assert answer.cause is error


@pytest.mark.parametrize("answer", [True, False, 0, "ok", Retry, Reject, [Success()]])
def test_a_nonsense_answer_is_a_failure_that_names_its_type(answer: object) -> None:
    meaning = call_handler(lambda: answer)
    assert isinstance(meaning, Failed)
    assert f"returned a value of type {type(answer).__name__};" in meaning.reason
    assert isinstance(meaning.cause, TypeError)


@pytest.mark.parametrize("error", [SystemExit(1), GeneratorExit(), KeyboardInterrupt()])
def test_a_handler_cannot_end_the_thread_it_runs_in(error: BaseException) -> None:
    answers = []
    thread = threading.Thread(target=lambda: answers.append(call_handler(raising(error))))
    thread.start()
    thread.join()
    [answer] = answers
    assert isinstance(answer, Failed)
    assert answer.reason.startswith(type(error).__name__)
    assert answer.cause is error


def test_sys_exit_in_the_main_thread_is_a_retry_as_well() -> None:
    assert call_handler(lambda: sys.exit("bye")) == Failed("SystemExit: bye")


def test_a_user_s_interrupt_passes_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        call_handler(raising(KeyboardInterrupt()))


def test_a_raised_result_keeps_no_frames_alive() -> None:
    answer = call_handler(raising(Retry("busy")))
    assert isinstance(answer, Failed)
    assert answer.cause is None
