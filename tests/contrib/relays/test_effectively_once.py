"""Outbox, broker, inbox: each message has its effect once, whichever of the three is killed."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from outbox import Outbox
from tests.contrib.relays.places.kafka import KafkaPlace
from tests.servers.brokers.brokers import Brokers
from tests.support import Child, Database, Spawn, eventually

EXAMPLE = Path(__file__).parents[3] / "examples" / "warehouse"
MESSAGES = 30
KILLS = 6


class Line:
    """The three processes of the example, each of which may be killed and started again."""

    def __init__(self, spawn: Spawn, broker: Any, database: str, file: Path, topic: str) -> None:
        self._spawn = spawn
        self._broker = broker
        self._words = {"relay": (database, broker.url, topic), "warehouse": (str(file), broker.url, topic)}
        self._children: dict[str, Child] = {}

    def start(self, name: str) -> None:
        self._children[name] = self._spawn(EXAMPLE / f"{name}.py", *self._words[name])
        self._children[name].wait_for_line("consuming|relaying", timeout=60)

    def kill(self, name: str) -> None:
        """Kill one of them at whatever it is doing, and start it again."""
        if name == "broker":
            self._broker.kill()
            self._broker.start()
        else:
            self._children[name].kill()
            self.start(name)


def parcels(file: Path) -> list[tuple[str, int]]:
    with sqlite3.connect(file, timeout=20) as conn:
        rows: list[tuple[str, int]] = conn.execute(
            "SELECT content, gap FROM parcels ORDER BY rowid"
        ).fetchall()
    conn.close()
    return rows


@pytest.mark.mp
@pytest.mark.slow
@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("kind", ["rabbitmq", "kafka"])
def test_every_message_has_its_effect_once_whatever_dies(
    kind: str, brokers: Brokers, migrated: Database, spawn: Spawn, tmp_path: Path
) -> None:
    broker = brokers.get(kind)
    topic = f"warehouse-{tmp_path.name}"
    if kind == "kafka":
        KafkaPlace(broker).declare(topic, partitions=2)
    line = Line(spawn, broker, migrated.url, tmp_path / "warehouse.db", topic)
    line.start("warehouse")
    with Outbox.builder(migrated.url).queue("orders", 2).enqueue_only().open() as producer:
        line.start("relay")
        chance = random.Random(kind)  # the same kills each time, at other moments
        victims = ["relay", "warehouse", "broker", *chance.choices(["relay", "warehouse"], k=KILLS - 3)]
        for number, victim in enumerate(victims):
            for order in range(number * MESSAGES, (number + 1) * MESSAGES):
                producer.enqueue_now("orders", {"id": order}, key=f"customer-{order % 7}")
            line.kill(victim)
    expected = {f'{{"id":{order}}}' for order in range(KILLS * MESSAGES)}
    file = tmp_path / "warehouse.db"
    eventually(lambda: {content for content, _ in parcels(file)} == expected, timeout=90)
    assert len(parcels(file)) == len(expected)
    assert not any(gap for _, gap in parcels(file))
