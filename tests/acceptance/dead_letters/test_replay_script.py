"""``examples/replay_dead_letters.py``: the script that users copy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.acceptance.dead_letters.office import Office
from tests.support import Spawn
from tests.support.processes import Child

SCRIPT = Path(__file__).parents[3] / "examples" / "replay_dead_letters.py"

HANDLERS = """
import threading

def accept(msg):
    print("accepted", msg.payload.decode(), flush=True)

def refuse_b(msg):
    if msg.payload == b"b":
        raise ValueError("not this one")

def hang_at_c(msg):
    print("began", msg.payload.decode(), flush=True)
    if msg.payload == b"c":
        threading.Event().wait()
"""

pytestmark = pytest.mark.mp


def run(office: Office, spawn: Spawn, folder: Path, handler: str, *words: str) -> Child:
    (folder / "hands.py").write_text(HANDLERS)
    environment = {"PYTHONPATH": f"{folder}:{Path(__file__).parents[3]}"}
    return spawn.command(
        sys.executable, str(SCRIPT), office.database.url, f"hands:{handler}", *words, env=environment
    )


def test_letters_are_handed_over_oldest_first_and_resolved(
    office: Office, spawn: Spawn, tmp_path: Path
) -> None:
    office.put(*[letter.encode() for letter in "abcde"])
    output = run(office, spawn, tmp_path, "accept", "--queue", "orders").succeed()
    assert output.splitlines() == [*(f"accepted {letter}" for letter in "abcde"), "5 resolved"]
    assert set(office.states().values()) == {"resolved"}


def test_it_stops_at_the_first_new_kind_of_failure(office: Office, spawn: Spawn, tmp_path: Path) -> None:
    a, b, c = office.put(b"a", b"b", b"c")
    child = run(office, spawn, tmp_path, "refuse_b")
    assert child.wait() == 1
    assert child.lines == [
        "1 resolved, 1 rejected; stopped at a new failure: ValueError in hands.refuse_b",
        "1 left: ",
        "1 left: ValueError in hands.refuse_b",
    ]
    assert office.states() == {a: "resolved", b: "pending", c: "pending"}

    again = run(office, spawn, tmp_path, "refuse_b")
    assert again.wait() == 1
    assert again.lines[0] == "1 resolved, 1 rejected", "the second time it is no news"


def test_after_a_kill_in_the_middle_the_rest_is_replayed(
    office: Office, spawn: Spawn, tmp_path: Path
) -> None:
    a, b, c, d = office.put(b"a", b"b", b"c", b"d")
    first = run(office, spawn, tmp_path, "hang_at_c")
    first.wait_for_line("began c")
    first.kill()
    assert office.states() == {a: "resolved", b: "resolved", c: "reprocessing", d: "pending"}

    office.end_claims()
    later = run(office, spawn, tmp_path, "accept")
    assert later.succeed().splitlines() == ["accepted c", "accepted d", "2 resolved"]
