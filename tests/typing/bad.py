"""Mistakes that the type checkers must find: each line that ends in `# wrong`, and no other."""

from __future__ import annotations

from typing import Any

from outbox import Batch, LeaseConfig, Outbox, OutboxMessage, Retry


def nonsense(msg: OutboxMessage) -> str:
    return f"delivered {msg.seq}"


def whatever(msg: OutboxMessage) -> object:
    return msg.payload


async def later(msg: OutboxMessage) -> None:
    print(msg)


def batch(batch: Batch) -> None:
    batch.ack()


def in_transaction(conn: Any, msg: OutboxMessage) -> None:
    conn.execute("SELECT ?", (msg.seq,))


queue = Outbox.builder("sqlite:///shop.db").queue("orders", 4)
queue.leased(nonsense)  # wrong
queue.leased(whatever)  # wrong
queue.leased(later)  # wrong
queue.leased(batch)  # wrong
queue.leased(in_transaction)  # wrong
queue.leased_batch(lambda messages: "done")  # wrong
queue.leased(print, lease=30)  # wrong
queue.leased(print, max_attempts="5")  # wrong
queue.start()  # wrong
Outbox.builder("sqlite:///shop.db").open().enqueue_now("orders", b"", partition="3")  # wrong
LeaseConfig("30 seconds")  # wrong
Retry("busy", delay="soon")  # wrong
