"""What happens to an order after it was taken: it is shipped, and it is written into the books."""

from __future__ import annotations

import threading
from typing import Any

from outbox import OutboxMessage, Reject, Retry
from shop.database import ShopDatabase
from shop.parcel import Parcel, Unshippable, pack


class Shipping:
    """Ship orders, at least once each: called outside any transaction, so it has connections of its own."""

    def __init__(self, database: ShopDatabase) -> None:
        self._database = database
        self._local = threading.local()
        self._lock = threading.Lock()
        self._opened: list[Any] = []
        self.delivered_again = 0

    def __call__(self, message: OutboxMessage) -> Retry | Reject | None:
        try:
            parcel = pack(message.json())
        except Unshippable as problem:
            return Reject(problem)
        if carrier_is_busy(parcel, message.attempts):
            return Retry("the carrier is busy", delay=0.05)
        self._hand_over(parcel)
        return None

    def close(self) -> None:
        for conn in self._opened:
            conn.close()

    def _hand_over(self, parcel: Parcel) -> None:
        """Hand the parcel over, once: a carrier knows a shipment again by the order's number."""
        conn = self._connection()
        try:
            if self._database.execute(conn, "SELECT 1 FROM {shipments} WHERE order_id = ?", parcel.order_id):
                with self._lock:
                    self.delivered_again += 1
                return
            self._database.execute(
                conn,
                "INSERT INTO {shipments} (order_id, carrier, tracking) VALUES (?, ?, ?)",
                parcel.order_id,
                parcel.carrier,
                parcel.tracking,
            )
            conn.commit()
        finally:
            conn.rollback()

    def _connection(self) -> Any:
        """Return this thread's connection."""
        if not hasattr(self._local, "conn"):
            self._local.conn = self._database.connect()
            with self._lock:
                self._opened.append(self._local.conn)
        return self._local.conn


def carrier_is_busy(parcel: Parcel, attempts: int) -> bool:
    """Say for a few orders that the carrier wants to be asked again."""
    return attempts == 0 and parcel.order_id.endswith("077")


class Audit:
    """Write every order into the books, exactly once: in the transaction that marks it as delivered."""

    def __init__(self, database: ShopDatabase) -> None:
        self._database = database

    def __call__(self, conn: Any, message: OutboxMessage) -> None:
        order = message.json()
        self._database.execute(
            conn,
            "INSERT INTO {audit} (order_id, message_id, total) VALUES (?, ?, ?)",
            order["order_id"],
            message.id,
            f"{order['total']} {order['currency']}",
        )
