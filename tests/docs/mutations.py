"""Break every promise that has a mutation, in a copy of the checkout, and see its tests fail: `make mutations`.

    python -m tests.docs.mutations [WORD]     only the promises with this word

On SQLite, which needs no server. Ends with status 1 when a promise was broken and its tests passed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.docs.pages import ROOT
from tests.docs.promises import Promise, promises

PARTS = (
    "outbox",
    "sql",
    "tests",
    "docs",
    "examples",
    "benchmarks",
    "setup.cfg",
    "pyproject.toml",
    "README.md",
)
FAILED = 1
"""pytest's status when tests ran and some failed; anything else proves nothing."""


def main(word: str = "") -> int:
    chosen = [promise for promise in promises() if promise.mutation and word in str(promise)]
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        copy_of_the_checkout(copy)
        tests = sorted({test for promise in chosen for test in promise.tests})
        if run(copy, tests) != 0:
            print("the tests fail although nothing was changed")
            return 1
        survived = [promise for promise in chosen if not is_caught(copy, promise)]
    print(f"{len(chosen)} promises broken, {len(chosen) - len(survived)} found by their tests")
    return 1 if survived else 0


def copy_of_the_checkout(copy: Path) -> None:
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, copy / part)


def is_caught(copy: Path, promise: Promise) -> bool:
    assert promise.mutation
    file = copy / promise.mutation.file
    whole = file.read_text(encoding="utf-8")
    file.write_text(promise.mutation.applied(whole), encoding="utf-8")
    try:
        caught = run(copy, promise.tests) == FAILED
    finally:
        file.write_text(whole, encoding="utf-8")
    print("found   " if caught else "SURVIVED", promise, flush=True)
    return caught


def run(copy: Path, tests: Iterable[str]) -> int:
    environment = {
        **os.environ,
        "OUTBOX_TEST_BACKENDS": "sqlite",
        "PYTHONPATH": str(copy),
        # A change within the second in which the file was compiled would not be seen.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    return subprocess.run(words, cwd=copy, env=environment, capture_output=True, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
