"""The SQL files of every dialect are written alike, as ``[tool.sqlfluff.core]`` in pyproject.toml says."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("dialect", ["mysql", "postgresql", "sqlite"])
def test_sqlfluff_finds_nothing(dialect: str) -> None:
    command = [sys.executable, "-m", "sqlfluff", "lint", f"sql/{dialect}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
