"""The brokers of one test run, started when first asked for and ended together."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.servers.brokers.kafka import KafkaBroker
from tests.servers.brokers.nats import NatsBroker
from tests.servers.brokers.programs import find_broker
from tests.servers.brokers.python import PythonBroker
from tests.servers.brokers.rabbitmq import RabbitmqBroker
from tests.servers.brokers.redis import RedisBroker
from tests.servers.server import Daemon
from tests.servers.undertaker import Undertaker

_BROKERS: dict[str, Any] = {
    "rabbitmq": RabbitmqBroker,
    "kafka": KafkaBroker,
    "redis": RedisBroker,
    "nats": NatsBroker,
    "moto": PythonBroker,
    "webhook": PythonBroker,
}


class BrokerNotFound(LookupError):
    """A broker has no program on this machine; the message says how to get it."""


class Brokers:
    """Start at most one broker of each kind; `close` ends them all. Not thread-safe."""

    def __init__(self) -> None:
        self._started: dict[str, Daemon] = {}
        self._directory: Path | None = None
        self._undertaker: Undertaker | None = None

    def get(self, name: str) -> Any:
        """Return the broker, started."""
        if name not in self._started:
            self._started[name] = self._new(name)
        self._started[name].start()
        return self._started[name]

    def close(self) -> None:
        """Stop every broker, side by side, and remove what they wrote."""
        if self._started:
            with ThreadPoolExecutor(len(self._started)) as pool:
                list(pool.map(lambda broker: broker.close(), self._started.values()))
        self._started.clear()
        if self._undertaker is not None:
            self._undertaker.close()
            self._undertaker = None
            self._directory = None

    def _new(self, name: str) -> Daemon:
        program = find_broker(name)
        if program is None:
            raise BrokerNotFound(f"No {name} was found. Run `make brokers` to install it.")
        if self._directory is None or self._undertaker is None:
            self._directory = Path(tempfile.mkdtemp(prefix=f"outbox-brokers-{os.getpid()}-"))
            self._directory.chmod(0o711)  # the brokers' account has to pass through
            self._undertaker = Undertaker(self._directory)
        broker: Daemon = _BROKERS[name](self._directory / name, self._undertaker, program)
        return broker
