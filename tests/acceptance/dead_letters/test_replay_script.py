"""``examples/replay_dead_letters.py``: the script that users copy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from outbox import DeadLetterScope
from tests.acceptance.dead_letters.office import Office
from tests.support import Spawn
from tests.support.processes import Child

SCRIPT = Path(__file__).parents[3] / "examples" / "replay_dead_letters.py"

HANDLERS = """
import os, threading

def accept(letter):
    print("accepted", letter.payload.decode(), flush=True)

def refuse_b(letter):
    if letter.payload == b"b":
        raise ValueError("not this one")

def hang_at_c(letter):
    print("began", letter.payload.decode(), flush=True)
    if letter.payload == b"c":
        threading.Event().wait()
"""

pytestmark = pytest.mark.mp


def run(office: Office, spawn: Spawn, folder: Path, handler: str, *words: str) -> Child:
    (folder / "hands.py").write_text(HANDLERS)
    environment = {"PYTHONPATH": f"{folder}:{Path(__file__).parents[3]}"}
    return spawn.command(
        sys.executable, str(SCRIPT), office.database.url, f"hands:{handler}", *words, env=environment
    )


def test_letters_are_handed_over_oldest_first_and_resolved_page_by_page(
    office: Office, spawn: Spawn, tmp_path: Path
) -> None:
    office.put(*[letter.encode() for letter in "abcde"])
    output = run(office, spawn, tmp_path, "accept", "--page", "2").succeed()
    assert [line[-1] for line in output.splitlines() if line.startswith("accepted")] == list("abcde")
    assert [line for line in output.splitlines() if "/" in line] == [
        "2/5 letters: 2 resolved",
        "4/5 letters: 4 resolved",
        "5/5 letters: 5 resolved",
    ]
    assert set(office.states().values()) == {"resolved"}


def test_a_letter_that_fails_is_rejected_once_and_the_others_go_on(
    office: Office, spawn: Spawn, tmp_path: Path
) -> None:
    a, b, c = office.put(b"a", b"b", b"c")
    child = run(office, spawn, tmp_path, "refuse_b", "--page", "1")
    assert child.wait() == 1
    assert child.lines[-1] == "3/3 letters: 1 rejected, 2 resolved"
    assert office.states() == {a: "resolved", b: "pending", c: "resolved"}
    (letter,) = office.letters.list()
    assert (letter.last_error, letter.attempts) == ("ValueError: not this one", 2)


def test_a_page_may_be_larger_than_what_is_claimed_unless_told(
    office: Office, spawn: Spawn, tmp_path: Path
) -> None:
    office.put(b"a")
    number = office.put_many(7)
    output = run(office, spawn, tmp_path, "accept", "--page", "200").succeed()
    assert output.splitlines()[-1] == f"{number}/{number} letters: {number} resolved"


def test_only_the_queue_that_was_asked_for_is_replayed(office: Office, spawn: Spawn, tmp_path: Path) -> None:
    office.put(b"a")
    assert run(office, spawn, tmp_path, "accept", "--queue", "bills").succeed() == "no dead letters"
    assert office.letters.count() == 1


def test_after_a_kill_in_the_middle_the_rest_is_claimable_when_the_time_is_over(
    office: Office, spawn: Spawn, tmp_path: Path
) -> None:
    a, b, c, d, e, f = office.put(*[letter.encode() for letter in "abcdef"])
    first = run(office, spawn, tmp_path, "hang_at_c", "--page", "5")
    first.wait_for_line("began c")
    first.kill()
    held = {c: "reprocessing", d: "reprocessing", e: "reprocessing"}
    assert office.states() == {a: "resolved", b: "resolved", **held, f: "pending"}
    assert office.letters.replay(DeadLetterScope(ids=list(held))) == []

    too_early = run(office, spawn, tmp_path, "accept", "--page", "2")
    assert too_early.wait() == 1
    assert too_early.lines == ["accepted f", "1/1 letters: 1 resolved", "claimed by another process: 3"]

    office.end_claims()
    later = run(office, spawn, tmp_path, "accept")
    assert later.wait() == 0
    assert [line[-1] for line in later.lines if line.startswith("accepted")] == list("cde")
    assert set(office.states().values()) == {"resolved"}


@pytest.mark.parametrize("handler", ["no_such_function", "", "nonsense:x:y"])
def test_a_handler_that_cannot_be_had_is_one_sentence_and_touches_nothing(
    office: Office, spawn: Spawn, tmp_path: Path, handler: str
) -> None:
    office.put(b"a")
    child = run(office, spawn, tmp_path, handler)
    assert child.wait() == 2
    assert child.errors.startswith("error: ")
    assert len(child.error_lines) == 1
    assert office.letters.count() == 1
