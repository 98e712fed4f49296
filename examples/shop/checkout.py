"""Take orders: each is one transaction that holds the order and what is to happen because of it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from zlib import crc32

from outbox import Outbox
from shop.database import ShopDatabase
from shop.orders import Order

SHIPPING = "shipping"
AUDIT = "audit"


class Checkout:
    """Several threads that take orders at the same time, as the processes of a web shop do."""

    def __init__(self, database: ShopDatabase, outbox: Outbox, threads: int) -> None:
        self._database = database
        self._outbox = outbox
        self._threads = threads
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="checkout")
        self._taken = [0] * threads

    @property
    def taken(self) -> int:
        return sum(self._taken)

    def start(self, orders: Iterable[Order]) -> list[Future[None]]:
        """Begin to take the orders, each customer's in one thread.

        A customer sends one order after the other. Two transactions that are open at the same time
        have no order between them, so with a customer's orders spread over threads there would be
        no order to keep.
        """
        shares: list[list[Order]] = [[] for _ in range(self._threads)]
        for order in orders:
            shares[crc32(order.customer_id.encode()) % self._threads].append(order)
        return [self._pool.submit(self._take_all, number, share) for number, share in enumerate(shares)]

    def stop(self) -> None:
        self._stop.set()
        self._pool.shutdown()

    def _take_all(self, number: int, orders: Iterable[Order]) -> None:
        conn = self._database.connect()
        try:
            for order in orders:
                if self._stop.is_set():
                    return
                self._take(conn, order)
                self._taken[number] += 1
        finally:
            conn.close()

    def _take(self, conn: Any, order: Order) -> None:
        """Write the order and its messages; they exist together or not at all."""
        self._database.execute(
            conn,
            "INSERT INTO {orders} (order_id, customer_id, line) VALUES (?, ?, ?)",
            order.order_id,
            order.customer_id,
            order.line,
        )
        for queue in (SHIPPING, AUDIT):
            self._outbox.enqueue(conn, queue, order.payload, key=order.customer_id)
        conn.commit()
        self._outbox.flush()
