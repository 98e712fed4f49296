"""Turn an order into a parcel, or say what is wrong with it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

CURRENCIES = frozenset({"EUR", "GBP", "SEK", "DKK", "PLN", "CZK", "USD"})
DOMESTIC = frozenset({"DE", "FR", "IE", "ES", "SE", "DK", "PL", "CZ"})
ITEM = re.compile(r"(?P<quantity>-?\d+) x (?P<sku>[A-Z0-9-]+) @ (?P<price>[0-9.]*)")


class Unshippable(ValueError):
    """The order cannot become a parcel, however often one tries."""


@dataclass(frozen=True)
class Parcel:
    order_id: str
    customer_id: str
    carrier: str
    label: str
    tracking: str


def pack(order: dict[str, Any]) -> Parcel:
    """Check the order and write its label; raises `Unshippable`."""
    check_date(order["placed_at"])
    check_name(order["customer"])
    if order["currency"] not in CURRENCIES:
        raise Unshippable(f"unknown currency: {order['currency']!r}")
    lines = [check_item(text) for text in order["items"].split("; ")] if order["items"] else []
    if not lines:
        raise Unshippable("no items: there is nothing to send")
    due = sum((quantity * price for quantity, price in lines), amount(order["shipping"]))
    if due != amount(order["total"]):
        raise Unshippable(f"wrong total: the items make {due}, the order says {order['total']}")
    carrier = "parcel post" if order["country"] in DOMESTIC else "air freight"
    label = f"{order['customer']}\n{order['country']}\n{order['order_id']} by {carrier}"
    tracking = hashlib.sha256(label.encode()).hexdigest()[:16].upper()
    return Parcel(order["order_id"], order["customer_id"], carrier, label, tracking)


def check_date(text: str) -> None:
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        raise Unshippable(f"no such date: {text!r}") from None


def check_name(name: str) -> None:
    """Refuse a name that was read in the wrong encoding: no carrier would find that address."""
    try:
        intended = name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return
    if intended != name:
        raise Unshippable(f"garbled name: {name!r}")


def check_item(text: str) -> tuple[int, Decimal]:
    match = ITEM.fullmatch(text)
    if match is None:
        raise Unshippable(f"unreadable item: {text!r}")
    if not match["price"]:
        raise Unshippable(f"missing price: {text!r}")
    if int(match["quantity"]) < 1:
        raise Unshippable(f"negative quantity: {text!r}")
    return int(match["quantity"]), amount(match["price"])


def amount(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise Unshippable(f"bad number: {text!r}") from None
    if not value.is_finite():
        raise Unshippable(f"bad number: {text!r}")
    return value
