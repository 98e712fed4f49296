"""How far a long command has come."""

from __future__ import annotations

import pytest

from outbox.cli.progress import LINE_EVERY, LongCommand, busy


def count(*, quiet: bool, interrupted: bool = False) -> None:
    """Do fifty of a hundred, ten a second."""
    now = [0.0]
    with LongCommand(quiet=quiet, clock=lambda: now[0]) as told:
        task = told.add_task("requeueing", total=1_000)
        for _ in range(50):
            now[0] += LINE_EVERY / 10
            told.advance(task, 10)
        if interrupted:
            raise KeyboardInterrupt


def test_without_a_terminal_there_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    count(quiet=False)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    assert lines[0] == "outbox: requeueing: 100 of 1,000 (10 a second, 1 min 30 s left)"


def test_in_json_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    count(quiet=True)
    assert capsys.readouterr().err == ""


def test_who_interrupts_it_is_told_what_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        count(quiet=False, interrupted=True)
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("outbox: requeueing: 500 of 1,000 (")
    assert last.endswith("; the same command goes on with the rest")


def test_what_only_the_database_can_measure_tells_for_how_long_it_has_been_going_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    told = ""
    with busy("migrating", quiet=False, every=0.01):
        while "migrating" not in told:
            told += capfd.readouterr().err
    assert told.splitlines()[0].startswith("outbox: migrating for ")
    with busy("migrating", quiet=True, every=0.0):
        pass
    assert capfd.readouterr().err == ""
