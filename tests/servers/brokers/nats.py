"""A NATS server with JetStream for the tests."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from tests.servers.server import Daemon
from tests.servers.undertaker import Undertaker


class NatsBroker(Daemon):
    """NATS whose streams live on disk."""

    def __init__(self, directory: Path, undertaker: Undertaker, program: str) -> None:
        super().__init__("nats", directory, undertaker)
        self._original = program

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def _initialise(self) -> None:
        self.data.mkdir()
        self._account.own(self.data)
        # The virtual environment may lie where the unprivileged account cannot go.
        shutil.copy(self._original, self._program)
        self._program.chmod(0o755)

    @property
    def _program(self) -> Path:
        return self._directory / "nats-server"

    def _command(self) -> list[str]:
        return [str(self._program), "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.data)]

    def _probe(self) -> None:
        asyncio.run(_ask(self.url))


async def _ask(url: str) -> None:
    import nats

    client = await nats.connect(url, connect_timeout=2, allow_reconnect=False)
    try:
        await client.jetstream().account_info()
    finally:
        await client.close()
