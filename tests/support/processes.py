"""Other Python processes: start them, wait for what they print, kill them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import IO

from tests.support.databases import wait_for_the_end_of_dead_sessions

ROOT = Path(__file__).parents[2]

# The child runs the function of a test module that it loads by its path, whatever the module is called.
_RUN_FUNCTION = """
import json, runpy, sys
path, name, arguments = sys.argv[1:]
runpy.run_path(path, run_name="child")[name](*json.loads(arguments))
"""


class Child:
    """A child process whose output is collected line by line. Safe to use from several threads."""

    def __init__(self, command: list[str], *, env: dict[str, str] | None = None, cwd: Path = ROOT) -> None:
        # Unbuffered, so that a line is seen when it is printed and not lost to a kill.
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT), **(env or {})}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
        )
        self._changed = threading.Condition()
        self.lines: list[str] = []
        self.error_lines: list[str] = []
        self._readers = [
            self._reader(self._process.stdout, self.lines),
            self._reader(self._process.stderr, self.error_lines),
        ]

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def output(self) -> str:
        """What it printed to standard output so far."""
        return "\n".join(self.lines)

    @property
    def errors(self) -> str:
        """What it printed to standard error so far."""
        return "\n".join(self.error_lines)

    def wait_for_line(self, pattern: str, timeout: float = 20.0) -> re.Match[str]:
        """Return the match of the first line of its output that the regular expression is found in."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                # Ask first, read then: what the readers added before their end is not missed.
                ended = not any(reader.is_alive() for reader in self._readers)
                for line in self.lines:
                    if match := re.search(pattern, line):
                        return match
                remaining = deadline - time.monotonic()
                if ended or remaining <= 0:
                    raise AssertionError(self._report(f"printed no line with {pattern!r}"))
                self._changed.wait(min(remaining, 0.2))

    def wait(self, timeout: float = 20.0) -> int:
        """Wait for its end and return the exit status (negative: the signal that ended it).

        After a kill, whoever sent it, the servers have ended its sessions too: none of its statements still runs.
        """
        status = self._wait(timeout)
        if status == -signal.SIGKILL:
            wait_for_the_end_of_dead_sessions()
        return status

    def succeed(self, timeout: float = 20.0) -> str:
        """Wait for its end, insist on exit status 0 and return its output."""
        status = self.wait(timeout)
        assert status == 0, self._report(f"ended with status {status}")
        return self.output

    def kill(self) -> None:
        """Kill it with SIGKILL and wait until it, and its sessions on the servers, are gone."""
        self._process.kill()
        self.wait()

    def discard(self) -> None:
        """Kill it at the end of a test, when what its sessions still do is no longer looked at."""
        self._process.kill()
        self._wait(20.0)

    def interrupt(self) -> None:
        """Send SIGINT, as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def terminate(self) -> None:
        """Send SIGTERM, as a service manager does."""
        self._process.terminate()

    def _wait(self, timeout: float) -> int:
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(self._report(f"did not end within {timeout:g} s")) from None
        for reader in self._readers:
            reader.join()
        return status

    def _reader(self, stream: IO[str] | None, lines: list[str]) -> threading.Thread:
        assert stream is not None
        thread = threading.Thread(
            target=self._collect, args=(stream, lines), daemon=True, name="child-output"
        )
        thread.start()
        return thread

    def _collect(self, stream: IO[str], lines: list[str]) -> None:
        with stream:
            for line in stream:
                with self._changed:
                    lines.append(line.rstrip("\n"))
                    self._changed.notify_all()

    def _report(self, what: str) -> str:
        return f"the child process {what}\n--- output\n{self.output}\n--- errors\n{self.errors}"


class Spawn:
    """Start children and see to it that none outlives the test."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    def __call__(
        self, what: Callable[..., object] | str | Path, *arguments: object, env: dict[str, str] | None = None
    ) -> Child:
        """Start a Python process that runs a function, a script's text or a script file.

        A function must be defined at the top level of its module, and its arguments must be what JSON can carry. A
        script finds its arguments in ``sys.argv[1:]`` as text. `env` is added to the environment.
        """
        child = Child([sys.executable, *_command(what, arguments)], env=env)
        self._children.append(child)
        return child

    def command(self, *words: str, env: dict[str, str] | None = None) -> Child:
        """Start any other program."""
        child = Child(list(words), env=env)
        self._children.append(child)
        return child

    def close(self) -> None:
        for child in self._children:
            child.discard()


def _command(what: Callable[..., object] | str | Path, arguments: tuple[object, ...]) -> list[str]:
    if isinstance(what, Path):
        return [str(what), *map(str, arguments)]
    if isinstance(what, str):
        return ["-c", what, *map(str, arguments)]
    assert isinstance(what, FunctionType), "only a plain function can be started in a child process"
    assert "." not in what.__qualname__, f"{what.__qualname__} is not defined at the top level of its module"
    return ["-c", _RUN_FUNCTION, what.__code__.co_filename, what.__qualname__, json.dumps(arguments)]
