"""Read the tables when all is done, and see whether the numbers add up."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from shop.database import ShopDatabase
from shop.orders import OrderFile


@dataclass(frozen=True)
class Books:
    """What became of the orders. All numbers but those of the file come from the tables."""

    rows: int
    refused: Counter[str]
    taken: int
    shipped: int
    dead: Counter[str]
    audited: int
    lost: int
    duplicated: int
    out_of_order: int

    @property
    def balanced(self) -> bool:
        return (
            self.rows == self.refused.total() + self.taken
            and self.taken == self.shipped + self.dead.total() == self.audited
            and not self.lost
            and not self.duplicated
            and not self.out_of_order
        )


def read_books(database: ShopDatabase, file: OrderFile, *, delivered_again: int) -> Books:
    """Compare what was taken with what was shipped, audited and given up.

    ``delivered_again`` counts the deliveries that the shipping recognised as repeated.
    """
    conn = database.connect()
    try:
        taken = database.execute(conn, "SELECT order_id, customer_id, line FROM {orders}")
        shipped = [row[0] for row in database.execute(conn, "SELECT order_id FROM {shipments} ORDER BY id")]
        audited = [row[0] for row in database.execute(conn, "SELECT order_id FROM {audit} ORDER BY id")]
        letters = database.execute(conn, "SELECT payload, last_error FROM {dead_letters} ORDER BY id")
    finally:
        conn.close()
    dead = [order_id_of(payload) for payload, _ in letters]
    finished = shipped + dead
    everything = {order_id for order_id, _, _ in taken}
    place = {order_id: (customer, line) for order_id, customer, line in taken}
    return Books(
        rows=file.rows,
        refused=file.refused,
        taken=len(taken),
        shipped=len(shipped),
        dead=Counter(reason.partition(":")[0] for _, reason in letters),
        audited=len(audited),
        lost=len(everything - (set(finished) & set(audited))),
        duplicated=repeated(finished) + repeated(audited) + delivered_again,
        out_of_order=overtaken(shipped, place) + overtaken(audited, place),
    )


def order_id_of(payload: bytes) -> str:
    return str(json.loads(payload)["order_id"])


def repeated(order_ids: list[str]) -> int:
    return len(order_ids) - len(set(order_ids))


def overtaken(order_ids: Iterable[str], place: dict[str, tuple[str, int]]) -> int:
    """Count the orders that came after a later order of the same customer."""
    latest: dict[str, int] = defaultdict(int)
    count = 0
    for order_id in order_ids:
        customer, line = place[order_id]
        count += line < latest[customer]
        latest[customer] = max(line, latest[customer])
    return count
