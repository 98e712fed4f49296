"""Run the command, and look at what it printed."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
COMMAND = (sys.executable, "-m", "outbox")


class Done(subprocess.CompletedProcess):
    """How a command ended."""

    @property
    def json(self) -> Any:
        assert self.returncode == 0, self.stderr
        return json.loads(self.stdout)

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()


class Shell:
    """A user's shell with ``OUTBOX_URL`` set, and a folder for the user's own modules."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder

    @property
    def environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("OUTBOX_")}
        return {**ours, "OUTBOX_URL": self.url, "PYTHONPATH": f"{ROOT}:{self.folder}"}

    def module(self, name: str, text: str) -> None:
        """Write a module that the command can import."""
        (self.folder / f"{name}.py").write_text(text)

    def __call__(self, *words: object, **environment: str) -> Done:
        """Run the command without a terminal."""
        done = subprocess.run(
            [*COMMAND, *map(str, words)],
            env={**self.environment, **environment},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Done(done.args, done.returncode, done.stdout, done.stderr)

    def fails(self, code: int, *words: object, **environment: str) -> str:
        """Run the command, which must end with this code, and with one line about it; return that."""
        done = self(*words, **environment)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stdout + done.stderr
        (line,) = done.stderr.splitlines()
        assert line.startswith("outbox: ")
        return line

    def answer(self, answer: str, *words: object) -> Done:
        """Run the command at a terminal where somebody types an answer."""
        ours, theirs = pty.openpty()
        try:
            os.write(ours, f"{answer}\n".encode())
            done = subprocess.run(
                [*COMMAND, *map(str, words)],
                env=self.environment,
                cwd=self.folder,
                stdin=theirs,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        finally:
            os.close(ours)
            os.close(theirs)
        return Done(done.args, done.returncode, done.stdout, done.stderr)
