"""A RabbitMQ for the tests."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from tests.servers.ports import free_port
from tests.servers.server import Daemon
from tests.servers.undertaker import Undertaker


class RabbitmqBroker(Daemon):
    """RabbitMQ with a port mapper of its own, so that no other node of this machine is met."""

    ready_within = 150.0  # some ten seconds, many times that on a machine with other work

    def __init__(self, directory: Path, undertaker: Undertaker, home: Path) -> None:
        super().__init__("rabbitmq", directory, undertaker)
        self._home = home
        self._mapper_port = free_port()
        self._mapper: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    def control(self, *words: str) -> None:
        """Run ``rabbitmqctl`` with these words."""
        self._run(str(self._home / "rabbitmqctl"), *words)

    def _initialise(self) -> None:
        self.data.mkdir()
        self._account.own(self.data)

    def _command(self) -> list[str]:
        self._start_mapper()
        return [str(self._home / "rabbitmq-server")]

    def _start_mapper(self) -> None:
        """Start Erlang's port mapper in the foreground: by itself it would become a daemon that stays."""
        if self._mapper is not None and self._mapper.poll() is None:
            return
        command = ["epmd", "-port", str(self._mapper_port), "-address", "127.0.0.1"]
        self._mapper = subprocess.Popen(command, stdout=subprocess.DEVNULL, **self._options())
        self._undertaker.watch(self._mapper.pid)

    def close(self) -> None:
        """End it for good, the port mapper too."""
        self.kill()
        if self._mapper is not None:
            self._mapper.kill()
            self._mapper.wait()
            self._undertaker.forget(self._mapper.pid)
            self._mapper = None

    def _options(self) -> dict[str, Any]:
        options = super()._options()
        options["env"] |= {
            "RABBITMQ_NODENAME": f"outbox{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.port + 1),
            "RABBITMQ_MNESIA_BASE": str(self.data),
            "RABBITMQ_LOG_BASE": str(self.data),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.data / "plugins"),
            "RABBITMQ_ALLOW_INPUT": "true",  # the script becomes the server, so that signals reach it
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-noinput",
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        return options

    def _probe(self) -> None:
        import pika

        parameters = pika.URLParameters(f"{self.url}?connection_attempts=1&socket_timeout=2")
        pika.BlockingConnection(parameters).close()
