"""SQS and SNS for the tests: moto's server, in a process of its own."""

from __future__ import annotations

import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.servers.server import Daemon
from tests.servers.undertaker import Undertaker


class MotoBroker(Daemon):
    """moto, which forgets nothing when it is killed: what was sent is sent to it again before it listens."""

    def __init__(self, directory: Path, undertaker: Undertaker, program: Path) -> None:
        super().__init__("moto", directory, undertaker)
        self._program = program

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _initialise(self) -> None:
        self.data.mkdir()

    def _command(self) -> list[str]:
        # Isolated: beside the program lie modules that are named like its libraries.
        return [sys.executable, "-I", str(self._program), str(self.port), str(self.data / "requests")]

    def _options(self) -> dict[str, Any]:
        # The unprivileged account may not read this Python, and moto does not mind who runs it.
        options = super()._options()
        for name in self._account.popen_options:
            del options[name]
        return options

    def _probe(self) -> None:
        with urllib.request.urlopen(f"{self.url}/moto-api/", timeout=2) as answer:
            answer.read()
