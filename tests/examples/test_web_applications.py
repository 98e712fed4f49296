import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.servers.ports import free_port
from tests.support import Child, Database, Spawn, eventually

EXAMPLES = Path(__file__).parents[2] / "examples"
ORDER = "from orders.views import take_order; assert take_order('Anna', 'teapot').status_code == 202"
SHOW = "from orders.models import Order; print(Order.objects.get().state)"


def ask(url: str, data: bytes | None = None, content_type: str = "application/json") -> Any:
    request = urllib.request.Request(url, data, {"Content-Type": content_type})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def answers(child: Child, url: str) -> bool:
    assert child.running, child.errors
    try:
        ask(url)
    except urllib.error.URLError:
        return False
    return True


@pytest.mark.mp
def test_the_flask_application_ships_what_was_ordered(database: Database, spawn: Spawn) -> None:
    port = free_port()
    child = spawn(EXAMPLES / "flask_app.py", "--url", database.sqlalchemy_url, "--port", port)
    url = f"http://127.0.0.1:{port}/orders"
    eventually(lambda: answers(child, url), 20)
    for item in ("teapot", "mug", ""):
        ask(url, json.dumps({"customer": "Anna", "item": item}).encode())
    states = eventually(lambda: _settled([order["state"] for order in ask(url)]))
    assert states == ["shipped", "shipped", "new"]
    eventually(lambda: database.count("outbox_dead_letters") == 1)
    child.interrupt()
    child.wait()


@pytest.mark.mp
def test_the_django_application_ships_what_was_ordered(spawn: Spawn, tmp_path: Path) -> None:
    port = free_port()
    manage = EXAMPLES / "django_app" / "manage.py"
    child = spawn(manage, "demo", "--port", port, env={"SHOP_DATABASE": str(tmp_path / "shop.db")})
    url = f"http://127.0.0.1:{port}/orders"
    eventually(lambda: answers(child, url), 20)
    for item in ("teapot", "mug"):
        ask(url, f"customer=Anna&item={item}".encode(), "application/x-www-form-urlencoded")
    states = eventually(lambda: _settled([order["state"] for order in ask(url)["orders"]]))
    assert states == ["shipped", "shipped"]
    child.interrupt()
    assert child.wait() == 0


@pytest.mark.mp
def test_the_django_command_delivers_what_other_processes_enqueued(spawn: Spawn, tmp_path: Path) -> None:
    manage = EXAMPLES / "django_app" / "manage.py"
    env = {"SHOP_DATABASE": str(tmp_path / "shop.db")}
    spawn(manage, "migrate", env=env).succeed()
    spawn(manage, "shell", "-c", ORDER, env=env).succeed()
    worker = spawn(manage, "run_outbox", env=env)
    worker.wait_for_line("delivering")

    def state() -> str:
        # The last line: newer shells begin with what they imported.
        return spawn(manage, "shell", "-c", SHOW, env=env).succeed().splitlines()[-1]

    eventually(lambda: state() == "shipped")
    worker.terminate()
    assert worker.wait() == 0
    assert worker.lines[-1] == "stopped"


def _settled(states: list[str]) -> list[str]:
    """Return the states once the first two are no longer new."""
    return states if states[:2] == ["shipped", "shipped"] else []
