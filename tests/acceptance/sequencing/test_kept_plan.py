"""A sequencer whose statement the server has planned once and for all."""

from __future__ import annotations

import math

import pytest

from outbox import EnqueueMessage
from outbox.backends.postgresql import kept_plans
from outbox.backends.postgresql.plan_chooser import PlanChooser
from outbox.runtime.directive import Proceed
from tests.acceptance.bench import QUEUE, Bench

# The driver prepares a statement at its sixth run, and the server may plan it for all values at the sixth of those.
RUNS = 13


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize(("flooded", "most"), [(1, 512), (3, 510), (4, 512)])
def test_a_flood_is_sequenced_without_a_poll_although_the_first_pass_is_small(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, flooded: int, most: int
) -> None:
    monkeypatch.setattr(kept_plans, "QUIET", math.inf)
    monkeypatch.setattr(PlanChooser, "keep", lambda *_: True)
    hands = bench.by_hand(lambda queue: queue.leased(print))
    for _ in range(RUNS):
        bench.send("one")
        hands.sequence()
    flood = [EnqueueMessage(b"x", partition=n % flooded) for n in range(flooded * kept_plans.MANY)]
    with bench.producer.transaction() as conn:
        bench.producer.enqueue_batch(conn, QUEUE, flood)

    hands.look()
    assert hands._sequencer.run_once() == Proceed(pause=0)
    assert sequenced(bench) == RUNS + most
    hands._sequencer.run_once()
    assert sequenced(bench) == RUNS + len(flood)


def sequenced(bench: Bench) -> int:
    return int(bench.database.value("SELECT sum(sequence) FROM outbox_partitions"))
