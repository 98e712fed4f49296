from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.contrib.flask.shop import create_app, prepare
from tests.contrib.flask.test_extension import dispose
from tests.servers.ports import free_port
from tests.support import Child, Database, Spawn, eventually

ROOT = Path(__file__).parents[3]
MODULE = "tests.contrib.flask.shop"
ORDERS = 60


def gunicorn(port: int, *options: str) -> list[str]:
    server = ["-m", "gunicorn", "--workers", "3", "--threads", "2", "--bind", f"127.0.0.1:{port}"]
    return [sys.executable, *server, *options, f"{MODULE}:app"]


def uwsgi(port: int, *options: str) -> list[str]:
    files = importlib.metadata.files("uwsgi") or []
    [binary] = [
        str(Path(str(file.locate())).resolve())
        for file in files
        if file.name == "uwsgi" and "bin" in file.parts
    ]
    shared = [
        "--master",
        "--processes",
        "3",
        "--threads",
        "2",
        "--enable-threads",
        "--die-on-term",
        "--need-app",
    ]
    where = ["--home", sys.prefix, "--module", f"{MODULE}:app", "--http-socket", f"127.0.0.1:{port}"]
    return [binary, *shared, *where, *options]


SERVERS: dict[str, Callable[[int], list[str]]] = {
    "gunicorn": gunicorn,
    "gunicorn-preload": lambda port: gunicorn(port, "--preload"),
    "uwsgi": uwsgi,
    "uwsgi-lazy-apps": lambda port: uwsgi(port, "--lazy-apps"),
}


def ask(url: str, data: object = None) -> dict[str, int]:
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: dict[str, int] = json.load(answer)
        return found


def answers(child: Child, url: str) -> bool:
    assert child.running, child.errors
    try:
        return bool(ask(url))
    except OSError:
        return False


@pytest.mark.framework
@pytest.mark.mp
@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("server", SERVERS)
def test_forked_workers_lose_nothing_and_double_nothing(
    database: Database, spawn: Spawn, server: str
) -> None:
    serve(database, spawn, server)


@pytest.mark.framework
@pytest.mark.mp
@pytest.mark.backends("mysql")
@pytest.mark.parametrize("server", ["gunicorn-preload", "uwsgi"])
def test_no_socket_of_the_process_that_loaded_the_application_is_shared(
    database: Database, spawn: Spawn, server: str
) -> None:
    serve(database, spawn, server)


def serve(database: Database, spawn: Spawn, server: str) -> None:
    """Take orders in several processes, whose workers ship them, and count."""
    first = create_app(database.sqlalchemy_url)
    prepare(first)
    dispose(first)
    port = free_port()
    environment = {"SHOP_URL": database.sqlalchemy_url, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    child = spawn.command(*SERVERS[server](port), env=environment)
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: answers(child, f"{url}/pid"), 30)
    with ThreadPoolExecutor(6) as pool:
        taken = list(
            pool.map(lambda number: ask(f"{url}/orders", {"item": f"item-{number}"})["id"], range(ORDERS))
        )
        pids = {answer["pid"] for answer in pool.map(lambda _: ask(f"{url}/pid"), range(30))}
    assert len(set(taken)) == ORDERS, "every request was answered, with an order of its own"
    assert len(pids) > 1, "several processes have served"
    eventually(lambda: database.value("SELECT count(*) FROM orders WHERE shipped > 0") == ORDERS, 30)
    eventually(lambda: database.count("audit") == ORDERS, 30)
    child.terminate()
    child.wait(40)
    assert database.value("SELECT count(*) FROM orders WHERE shipped = 1") == ORDERS
    assert database.value("SELECT count(DISTINCT order_id) FROM audit") == ORDERS
    assert database.count("outbox_dead_letters") == 0
    assert "Traceback" not in child.errors, child.errors
