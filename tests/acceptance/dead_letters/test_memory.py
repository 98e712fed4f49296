"""However many letters there are, a few of them are in memory.

Eight thousand in the suite; ``make soak`` shows the same of a million, and prints what each step took.
"""

from __future__ import annotations

import json
import math
import os
from collections import deque
from pathlib import Path

import pytest

from tests.acceptance.dead_letters import memory
from tests.acceptance.dead_letters.office import Office
from tests.support import Spawn
from tests.support.processes import ROOT

DOUBLINGS = math.ceil(math.log2(int(os.environ.get("OUTBOX_LETTERS", "8192"))))
LETTERS = 2**DOUBLINGS
# All payloads together are 64 MB and more.
PAYLOAD = b"x" * max(256, 2**26 // LETTERS)
ALLOWED_MB = 24
NO_PAYLOADS_MB = 7
IDS_MB = LETTERS * 8 / 1_000_000
PATIENCE = 30 + LETTERS / 250
ACCEPT_SOME = """
import itertools
number = itertools.count(1)

def accept(letter):
    if next(number) > 200:
        raise KeyboardInterrupt
"""

# MariaDB is read by the same statements and the same driver as MySQL.
pytestmark = [pytest.mark.mp, pytest.mark.slow, pytest.mark.backends("sqlite", "postgresql", "mysql")]


@pytest.fixture
def full(office: Office) -> Office:
    """An office with many letters."""
    office.put(PAYLOAD)
    assert office.put_many(DOUBLINGS) == LETTERS
    return office


def tell(office: Office, step: str, megabytes: float, seconds: float = math.nan) -> None:
    if "OUTBOX_LETTERS" in os.environ:
        grown = f"{megabytes:.1f} MB more, {seconds:.1f} s"
        print(f"\n{office.outbox.backend.name}: {LETTERS} letters: {step}: {grown}", end="")


def test_every_operation_holds_a_few_letters_at_a_time(full: Office, spawn: Spawn) -> None:
    output = spawn(memory.operate, full.database.url, LETTERS).succeed(PATIENCE)
    rows = [json.loads(line) for line in output.splitlines()]

    for step, _, grown, seconds in rows:
        tell(full, step, grown, seconds)
    quarter = LETTERS // 4
    done = {step: number for step, number, *_ in rows}
    assert (done["count"], done["pages"], done["cleanup"]) == (LETTERS,) * 3
    assert done["discard"] == LETTERS - done["requeue"] - done["replay and resolve"]
    assert abs(done["requeue"] - quarter) < memory.AT_ONCE
    assert {step: grown for step, _, grown, _ in rows if grown > ALLOWED_MB} == {}


COMMANDS = {
    "list --json --limit 9999999": "]",
    f"requeue --all --limit {LETTERS // 2} --yes": f"{LETTERS // 2} letters requeued",
    "discard --all --yes": f"{LETTERS // 2} letters discarded",
    "cleanup --yes": f"{LETTERS} letters deleted",
}


def test_every_command_holds_a_few_letters_and_the_ids_of_what_it_changes(
    full: Office, spawn: Spawn, tmp_path: Path
) -> None:
    output = tmp_path / "output"

    def run(words: str) -> tuple[float, float]:
        arguments = (["dead-letters", *words.split()], str(output))
        child = spawn(memory.command, *arguments, env={"OUTBOX_URL": full.database.url})
        peak, seconds = json.loads(child.succeed(PATIENCE))
        return peak, seconds

    few, _ = run("list --limit 10")
    for command, ending in COMMANDS.items():
        many, seconds = run(command)
        tell(full, command, many - few, seconds)
        # Payloads are read for a requeue alone.
        allowed = ALLOWED_MB if command.startswith("requeue") else NO_PAYLOADS_MB
        assert many - few < allowed + IDS_MB, command
        assert tail(output) == ending


def tail(path: Path) -> str:
    """Return the last line of a file."""
    with path.open() as lines:
        (last,) = deque(lines, maxlen=1)
    return last.rstrip("\n")


def test_the_script_that_replays_letters_holds_a_page_and_the_ids(
    full: Office, spawn: Spawn, tmp_path: Path
) -> None:
    (tmp_path / "hands.py").write_text(ACCEPT_SOME)

    def peak(*words: str) -> float:
        script = str(ROOT / "examples" / "replay_dead_letters.py")
        arguments = [full.database.url, "hands:accept", *words]
        child = spawn(memory.script, script, arguments, env={"PYTHONPATH": f"{tmp_path}:{ROOT}"})
        return float(child.wait_for_line(r"peak (\S+)", PATIENCE)[1])

    few, many = peak("--queue", "nobody"), peak()
    tell(full, "script", many - few)
    assert many - few < ALLOWED_MB + IDS_MB
    assert full.letters.count() < LETTERS
