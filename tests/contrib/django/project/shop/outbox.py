"""What the project's outbox has: found by its name, because the app is installed."""

import time
from contextlib import suppress
from typing import Any

from django.db import connection, transaction

from outbox import OutboxBuilder, OutboxMessage, Reject
from shop.models import Order, Shipment


def declare(builder: OutboxBuilder) -> OutboxBuilder:
    builder = builder.queue("orders", 4).leased(ship, max_attempts=3)
    return builder.queue("books", 2).transactional(book, max_attempts=3)


def ship(msg: OutboxMessage) -> Reject | None:
    order = msg.json()
    if order.get("lost"):
        return Reject("there is no such address")
    Shipment.objects.create(order=order["id"])
    return None


def book(conn: Any, msg: OutboxMessage) -> None:
    order = msg.json()
    Shipment.objects.create(order=order["id"], note="booked")
    time.sleep(order.get("pause", 0.0))
    Order.objects.filter(pk=order["id"]).update(state="booked")
    misbehave(order)


called: list[int] = []


def misbehave(order: dict[str, Any]) -> None:
    """Do what the message asks for, which only tests do."""
    if "on_commit" in order:
        transaction.on_commit(lambda: call_back(order))
    if "fail" in order:
        raise ValueError("as asked")
    if "swallow" in order:
        with suppress(ValueError), transaction.atomic(savepoint=False):
            raise ValueError("as asked")
    if "durable" in order:
        with transaction.atomic(durable=True):
            pass
    if "close" in order:
        connection.close()


def call_back(order: dict[str, Any]) -> None:
    called.append(order["id"])
    if "callback_fails" in order:
        raise ValueError("as asked")
