"""SQS and SNS for the tests, which are moto's server, and an HTTP endpoint: programs in Python."""

from __future__ import annotations

import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.servers.server import Daemon
from tests.servers.undertaker import Undertaker


class PythonBroker(Daemon):
    """A program beside this module that is given a port and a file, in which it finds everything after a kill."""

    def __init__(self, directory: Path, undertaker: Undertaker, program: Path) -> None:
        super().__init__(program.stem, directory, undertaker)
        self._program = program

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def file(self) -> Path:
        """What it has taken."""
        return self.data / "requests"

    def _initialise(self) -> None:
        self.data.mkdir()
        self.file.touch()

    def _command(self) -> list[str]:
        # Isolated: beside the program lie modules that are named like its libraries.
        return [sys.executable, "-I", str(self._program), str(self.port), str(self.file)]

    def _options(self) -> dict[str, Any]:
        # The unprivileged account may not read this Python, and neither program minds who runs it.
        options = super()._options()
        for name in self._account.popen_options:
            del options[name]
        return options

    def _probe(self) -> None:
        with urllib.request.urlopen(f"{self.url}/moto-api/", timeout=2) as answer:
            answer.read()
