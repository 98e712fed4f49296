"""Read the export of the shop's orders."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Order:
    """One row of the file, as it stands there."""

    line: int
    fields: dict[str, str]

    @property
    def order_id(self) -> str:
        return self.fields["order_id"]

    @property
    def customer_id(self) -> str:
        return self.fields["customer_id"]

    @property
    def payload(self) -> dict[str, object]:
        return {"line": self.line, **self.fields}


@dataclass
class OrderFile:
    """The orders that were taken, and why the other rows were refused."""

    orders: list[Order] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        return len(self.orders) + self.refused.total()


def read_orders(path: Path, limit: int | None = None) -> OrderFile:
    """Take what can be told apart as an order; whether it can be shipped is not decided here."""
    taken = OrderFile()
    known: set[str] = set()
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            if limit is not None and taken.rows == limit:
                break
            if problem := refusal(row, known):
                taken.refused[problem] += 1
            else:
                known.add(row["order_id"])
                taken.orders.append(Order(reader.line_num, row))
    return taken


def refusal(row: dict[str, str], known: set[str]) -> str | None:
    # The reader fills a short row up with None, and collects what is too much under None.
    if None in row.values() or None in row:
        return "truncated"
    if not row["order_id"] or not row["customer_id"]:
        return "without a customer"
    if row["order_id"] in known:
        return "repeated"
    return None
