"""A Redis for the tests."""

from __future__ import annotations

from pathlib import Path

from tests.servers.server import Daemon
from tests.servers.undertaker import Undertaker


class RedisBroker(Daemon):
    """Redis that writes every command to disk before it answers, and refuses writes when its memory is full."""

    def __init__(self, directory: Path, undertaker: Undertaker, program: str) -> None:
        super().__init__("redis", directory, undertaker)
        self._program = program

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _initialise(self) -> None:
        self.data.mkdir()
        self._account.own(self.data)

    def _command(self) -> list[str]:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self.data),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction",
        }
        return [self._program, *(word for name, value in settings.items() for word in (f"--{name}", value))]

    def _probe(self) -> None:
        import redis

        with redis.Redis.from_url(self.url, socket_timeout=2) as client:
            client.ping()
