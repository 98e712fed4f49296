"""Run the command, and look at what it printed.

Most tests call the command inside of their own process, where one takes milliseconds. What only a process
has (signals, a terminal, a pipe, the interpreter's start) is tested with one, and so is each verb once.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

from outbox.cli import boundary
from outbox.cli.app import app

ROOT = Path(__file__).parents[3]
COMMAND = (sys.executable, "-m", "outbox")


class Done(subprocess.CompletedProcess[str]):
    """How a command ended."""

    @property
    def json(self) -> Any:
        assert self.returncode == 0, self.stderr
        return json.loads(self.stdout)

    @property
    def lines(self) -> list[str]:
        return str(self.stdout).splitlines()


class Captured(io.TextIOWrapper):
    """A stream as a pipe's end is one: text over bytes, and no terminal."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="")

    def text(self) -> str:
        self.flush()
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode()


@contextmanager
def at_home(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Lend this process a fresh one's environment, folder, imports, standard input and logging."""
    root = logging.getLogger()
    before = Path.cwd(), [*sys.path], root.handlers, root.level, sys.dont_write_bytecode
    os.chdir(folder)
    root.handlers = []
    # Two versions of a module within a second would share their bytecode.
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        with (
            mock.patch.dict(os.environ, environment, clear=True),
            Path(os.devnull).open() as nothing,
            mock.patch.object(sys, "stdin", nothing),
        ):
            yield
    finally:
        os.chdir(before[0])
        _, sys.path[:], root.handlers, root.level, sys.dont_write_bytecode = before
        for name, module in [*sys.modules.items()]:
            if str(getattr(module, "__file__", None)).startswith(str(folder)):
                del sys.modules[name]


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
        """Run the command in this process, without a terminal."""
        printed, said = Captured(), Captured()
        with (
            at_home(self.folder, {**self.environment, **environment}),
            redirect_stdout(printed),
            redirect_stderr(said),
        ):
            code = boundary.run(app, [*map(str, words)])
        return Done([*map(str, words)], int(code), printed.text(), said.text())

    def process(self, *words: object, **environment: str) -> Done:
        """Run the command as a process of its own, without a terminal."""
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
        (line,) = str(done.stderr).splitlines()
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
