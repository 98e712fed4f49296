"""A Kafka for the tests: one node that is broker and controller at once."""

from __future__ import annotations

import base64
import uuid
from pathlib import Path

from tests.servers.ports import free_port
from tests.servers.server import Daemon
from tests.servers.undertaker import Undertaker

_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
}


class KafkaBroker(Daemon):
    """Kafka on Java, with a small heap."""

    ready_within = 150.0  # some ten seconds, many times that on a machine with other work

    def __init__(self, directory: Path, undertaker: Undertaker, libraries: Path) -> None:
        super().__init__("kafka", directory, undertaker)
        self._classes = f"{libraries}/*"
        self._controller_port = free_port()

    @property
    def url(self) -> str:
        return f"kafka://{self.address}"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _initialise(self) -> None:
        self._configuration.write_text("\n".join(f"{name}={value}" for name, value in self._settings.items()))
        self._configuration.chmod(0o644)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        words = ("format", "-t", cluster, "-c", str(self._configuration))
        self._run("java", "-cp", self._classes, "kafka.tools.StorageTool", *words)

    def _command(self) -> list[str]:
        # The first tier of the compiler is enough here, and starts in half the time on two cores.
        flags = ("-Xmx400m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
        return ["java", *flags, "-cp", self._classes, "kafka.Kafka", str(self._configuration)]

    def _probe(self) -> None:
        from confluent_kafka.admin import AdminClient

        AdminClient({"bootstrap.servers": self.address, "log_level": 0}).list_topics(timeout=2)

    @property
    def _configuration(self) -> Path:
        return self._directory / "server.properties"

    @property
    def _settings(self) -> dict[str, str]:
        return {
            **_SETTINGS,
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "log.dirs": str(self.data),
        }
