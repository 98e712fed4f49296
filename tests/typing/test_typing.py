"""What a user's type checker says: nothing about `good.py`, and something about each wrong line of `bad.py`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BAD = HERE / "bad.py"


def wrong_lines() -> list[int]:
    lines = enumerate(BAD.read_text().splitlines(), 1)
    return [number for number, line in lines if line.endswith("# wrong")]


def run(*words: str) -> str:
    """Run a type checker and return what it printed."""
    command = [sys.executable, "-m", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, f"{words[0]} found no mistake, or failed:\n{done.stdout}{done.stderr}"
    return done.stdout


def test_mypy_strict_accepts_what_is_right_and_finds_each_mistake() -> None:
    files = (str(HERE / "good.py"), str(BAD))
    # A configuration of its own: the user's, not the one of this project.
    printed = run("mypy", "--config-file=", "--strict", "--no-error-summary", *files)
    found = {(path, int(line)) for path, line in re.findall(r"^(\S+?):(\d+): error", printed, re.MULTILINE)}
    assert sorted(found) == [(str(BAD.relative_to(ROOT)), line) for line in wrong_lines()], printed


def test_pyright_strict_accepts_what_is_right_and_finds_each_mistake() -> None:
    printed = run("pyright", "--project", str(HERE / "pyright.json"), "--outputjson")
    mistakes = json.loads(printed)["generalDiagnostics"]
    found = {(Path(mistake["file"]), mistake["range"]["start"]["line"] + 1) for mistake in mistakes}
    assert sorted(found) == [(BAD, line) for line in wrong_lines()], printed
