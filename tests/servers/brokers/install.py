"""Install the brokers that the relays are tested against: ``python -m tests.servers.brokers.install``, or ``make brokers``.

Nothing is touched that is already there. NATS and moto need no step here: they come with the Python packages of the
tests.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers.brokers.programs import find_broker, kafka_libraries
from tests.servers.cache import make_public

_APT_INSTALL = Path(__file__).parents[3] / "scripts" / "apt-install"
_POM = Path(__file__).with_name("pom.xml")
_JAVA = "openjdk-17-jre-headless|openjdk-21-jre-headless|default-jre-headless"


def main() -> int:
    """Install what is missing; return the exit status."""
    packages = [f"{name}-server" for name in ("rabbitmq", "redis") if not find_broker(name)]
    if not find_broker("kafka"):
        packages += [
            package for program, package in (("java", _JAVA), ("mvn", "maven")) if not shutil.which(program)
        ]
    if packages and subprocess.run([str(_APT_INSTALL), *packages], check=False).returncode:
        return 1
    return 0 if find_broker("kafka") else _fetch_kafka()


def _fetch_kafka() -> int:
    """Let Maven fetch Kafka's jars; a download that breaks off leaves nothing behind."""
    destination = kafka_libraries()
    make_public(destination.parent)
    with tempfile.TemporaryDirectory(prefix="kafka-", dir=destination.parent) as work:
        jars = Path(work) / "jars"
        print(f"Fetching Kafka (44 MB) into {destination}", flush=True)
        words = ("dependency:copy-dependencies", f"-DoutputDirectory={jars}", "-DincludeScope=runtime")
        status = subprocess.run(["mvn", "-q", "-B", "-f", str(_POM), *words], check=False).returncode
        if status == 0:
            jars.chmod(0o755)
            shutil.rmtree(destination, ignore_errors=True)
            jars.rename(destination)
    return status


if __name__ == "__main__":
    sys.exit(main())
