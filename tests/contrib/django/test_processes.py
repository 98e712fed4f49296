"""One project in several processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contrib.django.conftest import Project, alias
from tests.support import Database, eventually

pytestmark = [pytest.mark.framework, pytest.mark.mp]

FORK = """
import os
from django.db import transaction
from outbox.contrib.django import enqueue
from shop.models import Order

def take(customer):
    with transaction.atomic():
        order = Order.objects.create(customer=customer)
        enqueue("orders", {"id": order.pk}, key=customer)

take("Anna")  # opens the outbox, and Django's connection
child = os.fork()
for number in range(20):
    take("Bert" if child else "Carla")
if child:
    assert os.waitpid(child, 0)[1] == 0
    take("Dora")
else:
    os._exit(0)
"""


@pytest.mark.parametrize("python", ["newest"], indirect=True)
@pytest.mark.backends("postgresql", "mysql")
def test_a_fork_after_the_first_use_shares_no_connection(
    project_on: Callable[..., Project], database: Database
) -> None:
    # With psycopg's pool, whose threads no child has.
    pool = (
        {"OPTIONS": {"pool": {"min_size": 1, "max_size": 12}}}
        if database.url.startswith("postgresql")
        else {}
    )
    project = project_on(default=alias(database.url, **pool))
    project.manage("migrate", "--verbosity", "0").succeed(60)
    project.shell(FORK)
    assert database.count("shop_order") == database.count("outbox_body") == 42
    worker = project.manage("outbox", "run")
    worker.wait_for_line("started")
    eventually(lambda: database.count("shop_shipment") == 42, 30)
    worker.terminate()
    assert worker.wait(60) == 0, worker.errors


@pytest.mark.parametrize("python", ["newest"], indirect=True)
def test_the_projects_tests_run_in_parallel(project_on: Callable[..., Project]) -> None:
    project = project_on(default={"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"})
    child = project.manage("test", "shop", "--parallel", "2")
    assert child.wait(120) == 0, child.errors


TWO = """
from django.db import connections, transaction
from outbox import WrongDatabase
from outbox.contrib.django import boxes, enqueue
from outbox.contrib.django.models import Message
from outbox.testing import drain
with transaction.atomic(using="other"):
    enqueue("orders", {"id": 1}, using="second")
print("other", Message.objects.using("other").count(), "default", Message.objects.using("default").count())
try:
    with transaction.atomic(using="other"):
        boxes["default"].enqueue(connections["other"], "orders", {"id": 2})
except WrongDatabase as error:
    print("refused")
with transaction.atomic():
    enqueue("orders", {"id": 3})
print("drained", drain(boxes["second"]).processed, drain(boxes["default"]).processed)
"""


@pytest.mark.parametrize("python", ["newest"], indirect=True)
def test_two_databases_have_an_outbox_each(project_on: Callable[..., Project], tmp_path: Path) -> None:
    files = {name: alias(f"sqlite:///{tmp_path / name}.db") for name in ("default", "other", "third")}
    project = project_on(**files)
    project.env["SHOP_SECOND"] = "other"
    for name in files:
        project.manage("migrate", "--verbosity", "0", "--database", name).succeed(60)
    assert project.shell(TWO).splitlines() == ["other 1 default 0", "refused", "drained 1 1"]
    tables = "from django.db import connections\nprint('outbox_body' in connections['third'].introspection.table_names())"
    assert project.shell(tables) == "False"
    assert "orders" in project.manage("outbox", "--box", "second", "status").succeed(60)
