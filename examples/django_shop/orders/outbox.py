"""The queues of the shop, and who handles them."""

from typing import Any

from django.db.models import F

from orders.models import Order
from outbox import OutboxBuilder, OutboxMessage, Reject
from outbox.contrib.django import enqueue


def declare(builder: OutboxBuilder) -> OutboxBuilder:
    builder = builder.queue("payments", 4).transactional(pay, max_attempts=10)
    return builder.queue("shipments", 4).leased(ship, max_attempts=10)


def pay(_conn: Any, msg: OutboxMessage) -> None:
    """Book a payment: what the ORM writes, the next message and the acknowledgement are one transaction."""
    order = msg.json()
    Order.objects.filter(pk=order["id"]).update(state="paid", payments=F("payments") + 1)
    enqueue("shipments", order, key=msg.key)


def ship(msg: OutboxMessage) -> Reject | None:
    """Ship: delivered a second time, this changes nothing, which is all that "at least once" asks for."""
    order = msg.json()
    if not order["item"]:
        return Reject("nothing to ship")
    Order.objects.filter(pk=order["id"]).update(state="shipped")
    return None
