"""The files that people deploy with fit the command, and each other."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from outbox.cli.app import app
from tests.acceptance.bench import Bench
from tests.acceptance.bench.fixtures import bench
from tests.acceptance.cli.conftest import shell
from tests.acceptance.cli.shell import COMMAND, Shell
from tests.support import Spawn, eventually
from tests.support.http import ask

__all__ = ["bench", "shell"]
DEPLOY = Path(__file__).parents[3] / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
UNIT = (DEPLOY / "outbox.service").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
MANIFESTS: list[dict[str, Any]] = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
INSTRUCTIONS = re.findall(r"^([A-Z]+) (.+)$", DOCKERFILE, re.MULTILINE)
WORKERS, METRICS = (one["spec"]["template"]["spec"] for one in MANIFESTS)


def words_of(instruction: str) -> list[str]:
    """Return the words of the last such instruction, in their exec form: no shell between PID 1 and a signal."""
    return list(json.loads([text for name, text in INSTRUCTIONS if name == instruction][-1]))


def commands() -> list[list[str]]:
    """Return every command of ours in the files, without the program's name."""
    probe = next(text for name, text in INSTRUCTIONS if name == "HEALTHCHECK").partition(" CMD ")[2]
    started = re.findall(r"^ExecStart=/\S+/outbox (.+)$", UNIT, re.MULTILINE)
    return [
        words_of("CMD"),
        json.loads(probe)[1:],
        *map(shlex.split, started),
        *(service["command"] for service in COMPOSE["services"].values() if "command" in service),
        *(container["args"] for pod in (WORKERS, METRICS) for container in pod["containers"]),
    ]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_the_command_knows_its_words(words: list[str]) -> None:
    command: Any = app
    context, rest = click.Context(app), words
    while isinstance(command, click.Group):
        _, command, rest = command.resolve_command(context, rest)
        assert command is not None
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known


def seconds(text: str) -> float:
    return float(re.match(r"\d+", text)[0])  # type: ignore[index]


def test_a_manager_waits_for_longer_than_a_stop_takes() -> None:
    for words, grace in (
        (WORKERS["containers"][0]["args"], WORKERS["terminationGracePeriodSeconds"]),
        (words_of("CMD"), seconds(COMPOSE["services"]["workers"]["stop_grace_period"])),
        (
            shlex.split(re.findall("ExecStart=(.+)", UNIT)[0]),
            seconds(re.findall("TimeoutStopSec=(.+)", UNIT)[0]),
        ),
    ):
        assert grace >= seconds(words[words.index("--timeout") + 1]) + 5


def test_the_probes_of_the_manifest_are_those_that_the_workers_answer() -> None:
    (container,) = WORKERS["containers"]
    port = str(container["ports"][0]["containerPort"])
    assert container["args"][container["args"].index("--health-port") + 1] == port
    probes = {name: container[name]["httpGet"]["path"] for name in ("livenessProbe", "readinessProbe")}
    assert probes == {"livenessProbe": "/livez", "readinessProbe": "/readyz"}


def test_what_the_dockerfile_copies_is_there_and_its_user_is_not_root() -> None:
    known = {
        "FROM",
        "COPY",
        "RUN",
        "ENV",
        "WORKDIR",
        "USER",
        "ENTRYPOINT",
        "CMD",
        "HEALTHCHECK",
        "STOPSIGNAL",
    }
    assert {name for name, _ in INSTRUCTIONS} == known
    sources = [text.split()[0] for name, text in INSTRUCTIONS if name == "COPY" and "--from" not in text]
    assert all((DEPLOY.parent / source).exists() for source in sources)
    assert [text for name, text in INSTRUCTIONS if name == "USER"] == ["10001"]
    assert words_of("ENTRYPOINT") == ["outbox"]


@pytest.mark.mp
@pytest.mark.backends("sqlite")
def test_the_image_s_command_runs_is_alive_and_tells_systemd(
    shell: Shell, bench: Bench, spawn: Spawn, tmp_path: Path
) -> None:
    alive = tmp_path / "outbox.alive"
    changes = {"/tmp/outbox.alive": str(alive), "8081": "0"}
    words = [changes.get(word, word) for word in words_of("CMD")]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        environment = {**shell.environment, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        environment["PYTHONPATH"] += f":{DEPLOY}"
        child = spawn.command(*COMMAND, *words, env=environment)
        assert manager.recv(1000).startswith(b"READY=1")
        bench.send({"id": 7})
        child.wait_for_line("order 7 shipped")
        port = int(re.findall(r"probes are answered on port (\d+)", child.errors)[0])
        assert (ask(port, "/livez")[0], ask(port, "/readyz")[0]) == (200, 200)
        eventually(alive.exists)
        assert shell("healthcheck", "--liveness-file", alive, "--max-age", "10s").returncode == 0
        child.terminate()
        assert child.wait() == 0
        told = b""
        while b"STOPPING=1" not in told:
            told = manager.recv(1000)
    assert child.lines[-1].startswith("workers stopped")


@pytest.mark.tools
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "outbox.service"
    unit.write_text(re.sub("ExecStart=/opt/shop/bin/outbox", f"ExecStart={shutil.which('true')}", UNIT))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if "outbox.service" in line]
    assert complaints == []


def docker_is_at_hand() -> bool:
    return (
        bool(shutil.which("docker"))
        and not subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    )


@pytest.mark.tools
def test_the_image_is_built_where_docker_is_at_hand() -> None:
    if not docker_is_at_hand():
        return  # what can be read without it, the tests above have read
    build = ["docker", "build", "-q", "-f", "deploy/Dockerfile", "."]
    image = subprocess.check_output(build, cwd=DEPLOY.parent, text=True).strip()
    shown = subprocess.check_output(["docker", "run", "--rm", image, "--version"], text=True)
    assert shown.startswith("outbox ")
