from __future__ import annotations

import time

import pytest

from outbox.backends.retry import ATTEMPTS, retry_contention
from outbox.backends.waiting import GRACE, Waiting
from outbox.errors import ConnectionLost, Contention


class Flaky:
    """Raises what it is told to, then returns its arguments."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, *arguments: object) -> tuple[object, ...]:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return arguments


def repeating(flaky: Flaky) -> Flaky:
    @retry_contention
    def call(*arguments: object) -> tuple[object, ...]:
        return flaky(*arguments)

    return call  # type: ignore[return-value]


@pytest.mark.parametrize("failures", [0, 1, 3, ATTEMPTS - 1])
def test_contention_is_repeated_until_it_is_gone(failures: int) -> None:
    flaky = Flaky(*[Contention("busy") for _ in range(failures)])

    assert repeating(flaky)(1, "two") == (1, "two")
    assert flaky.calls == failures + 1


def test_the_last_contention_is_raised_as_it_is() -> None:
    errors = [Contention(f"busy {n}") for n in range(ATTEMPTS + 1)]
    flaky = Flaky(*errors)

    with pytest.raises(Contention) as caught:
        repeating(flaky)()

    assert caught.value is errors[ATTEMPTS - 1]
    assert flaky.calls == ATTEMPTS


@pytest.mark.parametrize("error", [ConnectionLost("gone"), ValueError("no")])
def test_other_errors_pass_at_once(error: Exception) -> None:
    flaky = Flaky(error)

    with pytest.raises(type(error)):
        repeating(flaky)()

    assert flaky.calls == 1


def test_another_error_after_contention_passes_too() -> None:
    flaky = Flaky(Contention("busy"), ConnectionLost("gone"))

    with pytest.raises(ConnectionLost):
        repeating(flaky)()

    assert flaky.calls == 2


@pytest.mark.parametrize(("took", "calls"), [(GRACE + 1.0, 1), (0.0, 3)])
def test_once_the_workers_are_to_stop_only_what_goes_fast_is_repeated(
    monkeypatch: pytest.MonkeyPatch, took: float, calls: int
) -> None:
    class Source:
        waiting = Waiting()

    Source.waiting.stopping = lambda: True
    flaky = Flaky(*[Contention("busy") for _ in range(2)])
    start = time.monotonic() - took
    monkeypatch.setattr("outbox.backends.retry.monotonic", lambda: start)

    if calls == 1:
        with pytest.raises(Contention):
            repeating(flaky)(Source())
    else:
        repeating(flaky)(Source())
    assert flaky.calls == calls
