"""The workers that the files in this folder run: put your own builder in the place of this one."""

from outbox import Outbox, OutboxBuilder, OutboxMessage


def ship(msg: OutboxMessage) -> None:
    print(f"order {msg.json()['id']} shipped", flush=True)


def make(url: str) -> OutboxBuilder:
    return Outbox.builder(url).processors(2).queue("orders", 4).leased(ship, max_attempts=10)
