"""Workers that die in a transactional handler which writes through the ORM."""

from __future__ import annotations

from functools import partial

import pytest

from tests.contrib.django.conftest import Project
from tests.support import Database, eventually

pytestmark = [pytest.mark.framework, pytest.mark.mp]

ENQUEUE = """
from django.db import transaction
from outbox.contrib.django import enqueue
from shop.models import Order
with transaction.atomic():
    for number in range(60):
        order = Order.objects.create(customer="Anna")
        enqueue("books", {"id": order.pk, "pause": 0.05}, key=str(number))
"""


@pytest.mark.parametrize("python", ["newest"], indirect=True)
def test_what_the_orm_wrote_and_the_acknowledgement_are_there_together_or_not_at_all(
    project: Project, database: Database
) -> None:
    project.manage("migrate", "--verbosity", "0").succeed(60)
    project.shell(ENQUEUE)
    for goal in (10, 30):
        worker = project.manage("outbox", "run")
        worker.wait_for_line("started")
        # Killed while a handler pauses between its writes, which it does nearly all the time.
        eventually(partial(booked, database, goal), 60)
        worker.kill()
    worker = project.manage("outbox", "run")
    worker.wait_for_line("started")
    eventually(partial(booked, database, 60), 60)
    eventually(lambda: database.count("outbox_body") == 0, 60)
    worker.terminate()
    assert worker.wait(60) == 0, worker.errors
    # Once each: neither lost nor done twice.
    assert database.query(
        'SELECT count(*), count(DISTINCT "order") FROM shop_shipment'.replace('"', quote(database))
    ) == [(60, 60)]
    assert database.query("SELECT count(*) FROM shop_order WHERE state = 'booked'") == [(60,)]
    assert database.count("outbox_dead_letters") == 0


def booked(database: Database, goal: int) -> bool:
    return database.count("shop_shipment") >= goal


def quote(database: Database) -> str:
    return "`" if database.url.startswith(("mysql", "mariadb")) else '"'
