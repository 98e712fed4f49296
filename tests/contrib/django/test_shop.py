"""The example: a shop behind gunicorn, with its workers in a process of their own."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.contrib.django.conftest import alias
from tests.contrib.django.environments import ROOT
from tests.servers.ports import free_port
from tests.support import Child, Database, Spawn, eventually

pytestmark = [pytest.mark.framework, pytest.mark.mp]

SHOP = ROOT / "examples" / "django_shop"


def ask(url: str, data: bytes | None = None) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=10) as answer:
        return json.load(answer)


def answers(child: Child, url: str) -> bool:
    assert child.running, child.errors
    try:
        ask(url)
    except urllib.error.URLError:
        return False
    return True


@pytest.mark.parametrize("python", ["newest"], indirect=True)
@pytest.mark.backends("sqlite", "postgresql")
def test_what_is_ordered_is_paid_once_and_shipped(
    python: Path, backend: str, database: Database, spawn: Spawn
) -> None:
    env = {"SHOP_DATABASES": json.dumps({"default": alias(database.url)}), "PYTHONPATH": f"{SHOP}:{ROOT}"}
    manage = str(SHOP / "manage.py")
    spawn.command(str(python), manage, "migrate", "--verbosity", "0", env=env).succeed(60)
    worker = spawn.command(str(python), manage, "outbox", "run", env=env)
    worker.wait_for_line("started")
    port = free_port()
    preload = ["--preload"] if backend == "postgresql" else []
    gunicorn = [
        "-m",
        "gunicorn",
        "wsgi",
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        "2",
        "--chdir",
        str(SHOP),
        *preload,
    ]
    server = spawn.command(str(python), *gunicorn, env=env)
    url = f"http://127.0.0.1:{port}/orders"
    eventually(lambda: answers(server, url), 30)
    for number in range(20):
        ask(url, f"customer=customer-{number % 5}&item={'teapot' if number else ''}".encode())

    def states() -> list[str]:
        return [order["state"] for order in ask(url)["orders"]]

    eventually(lambda: states() == ["paid"] + ["shipped"] * 19, 30)
    assert {order["payments"] for order in ask(url)["orders"]} == {1}
    assert database.count("outbox_dead_letters") == 1
    for child in (server, worker):
        child.terminate()
        assert child.wait(60) in {0, -signal.SIGTERM}, child.errors
