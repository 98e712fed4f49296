"""Run a piece of the benchmark in a process of its own, so that its processor time is its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.measure.phase import Phase, phases_in

ROOT = Path(__file__).parents[1]


class ChildFailed(RuntimeError):
    """A child ended with an error; the message holds what it printed."""


def run_child(
    module: str, *arguments: str, python: str = sys.executable, timeout: float = 600
) -> list[Phase]:
    """Run ``python -m module``, which prints one `Phase.to_line` for each phase; return the phases.

    Raises `ChildFailed` when it fails or takes longer than ``timeout`` seconds.
    """
    command = [python, "-m", module, *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise ChildFailed(f"{' '.join(arguments)}: not done after {timeout:g} s") from error
    if done.returncode:
        raise ChildFailed(f"{' '.join(arguments)} failed:\n{done.stdout[-2_000:]}{done.stderr[-4_000:]}")
    return phases_in(done.stdout.splitlines())
