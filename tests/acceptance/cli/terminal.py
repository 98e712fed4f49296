"""A terminal with a command in it: what it draws can be read, and keys be pressed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.acceptance.cli.shell import COMMAND, Shell
from tests.support import eventually

if TYPE_CHECKING:
    from typing_extensions import Self

CTRL_C = "\x03"
ROWS, COLUMNS = 40, 160
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Parallel test runners say how wide their own terminal is.
OF_A_TERMINAL = {"TERM": "xterm-256color", "PYTHONUNBUFFERED": "1", "LINES": str(ROWS)}
UP_AND_ERASE = "\x1b[1A\x1b[2K"
"""One line up, and empty it: how something is drawn in its own place."""
# The command gets the terminal as its own, so that Ctrl-C reaches it.
TAKE_IT = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


class Terminal:
    """Runs ``outbox``, or another command, with these words; standard output may go to a file instead."""

    def __init__(
        self,
        shell: Shell,
        *words: object,
        command: Sequence[str] = COMMAND,
        output: int | None = None,
        columns: int = COLUMNS,
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        self._drawn = bytearray()
        self._process = subprocess.Popen(
            [sys.executable, "-c", TAKE_IT, *command, *map(str, words)],
            env={**shell.environment, **OF_A_TERMINAL, "COLUMNS": str(columns)},
            cwd=shell.folder,
            stdin=theirs,
            stdout=theirs if output is None else output,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    @property
    def drawn(self) -> str:
        """Everything so far, with the escapes that move the cursor."""
        return self._drawn.decode(errors="replace")

    @property
    def text(self) -> str:
        """The same without them."""
        return ESCAPES.sub("", self.drawn).replace("\r\n", "\n")

    def wait_for(self, pattern: str, times: int = 1) -> None:
        """Wait until the text has matched so many times."""
        eventually(lambda: len(re.findall(pattern, self.text)) >= times, 30, what=f"{pattern!r} is drawn")

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def end(self) -> int:
        """Wait for the command to end; return its exit code."""
        code = self._process.wait(30)
        self._reader.join()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self.end()
        os.close(self._ours)

    def _read(self) -> None:
        # The other side is gone: Linux says so by an error.
        with contextlib.suppress(OSError):
            while data := os.read(self._ours, 65_536):
                self._drawn += data
