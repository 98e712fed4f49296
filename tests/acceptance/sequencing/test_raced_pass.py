"""A sequencer whose messages were taken by another one meanwhile."""

from __future__ import annotations

import threading

import pytest

from outbox import WorkerTuning
from tests.acceptance.bench import Bench
from tests.support import eventually

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.mark.backends("postgresql")
def test_a_pass_that_got_less_than_it_wanted_because_of_another_one_is_followed_by_the_next(
    bench: Bench,
) -> None:
    hands = bench.by_hand(
        lambda queue: queue.leased(print), sequencer_tuning=WorkerTuning.sequencer().batch_size(2)
    )
    first, *_ = bench.send(*"abcd")
    hands.look()
    other = bench.database.connect()
    other.execute("DELETE FROM outbox_incoming WHERE body_id = %s", (first,))
    thread = threading.Thread(target=hands._sequencer.run_once)
    thread.start()
    eventually(lambda: bench.database.value(WAITING) == 1)
    other.commit()
    thread.join(20)
    assert bench.database.count("outbox_outgoing") == 1

    # It knows without a poll that there is more.
    while hands.stages.sequencing.ready_count:
        hands._sequencer.run_once()
    assert bench.database.count("outbox_outgoing") == 3
