from __future__ import annotations

import pytest

from outbox.errors import ConfigurationError
from outbox.values.profile import OutboxProfile
from outbox.values.worker_tuning import WorkerTuning


@pytest.mark.parametrize(
    ("name", "tuning", "reconciler_idle"),
    [("balanced", "default", 60.0), ("low_latency",) * 2 + (30.0,), ("high_throughput",) * 2 + (60.0,),
     ("relaxed",) * 2 + (120.0,)],
)  # fmt: skip
def test_a_profile_bundles_the_tunings_of_its_name(name: str, tuning: str, reconciler_idle: float) -> None:
    profile = getattr(OutboxProfile, name)()
    assert profile.sequencer == getattr(WorkerTuning, f"sequencer_{tuning}")()
    assert profile.processor == getattr(WorkerTuning, f"processor_{tuning}")()
    assert profile.vacuum == WorkerTuning.vacuum()
    assert profile.reconciler == WorkerTuning.reconciler().idle_interval(reconciler_idle)
    assert profile.linger is False


def test_the_adaptive_profile_lingers_and_does_not_pause_before_a_backlog() -> None:
    profile = OutboxProfile.adaptive()
    assert profile.linger is True
    assert profile.sequencer == WorkerTuning.sequencer_adaptive()
    assert profile.processor == WorkerTuning.processor_adaptive()
    assert profile.vacuum == WorkerTuning.vacuum_adaptive()
    assert profile.reconciler == WorkerTuning.reconciler()


def test_one_tuning_can_be_exchanged() -> None:
    changed = OutboxProfile.relaxed().replace(processor=WorkerTuning.processor_low_latency())
    assert changed.processor == WorkerTuning.processor_low_latency()
    assert changed.sequencer == WorkerTuning.sequencer_relaxed()


def test_what_is_no_tuning_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="vacuum"):
        OutboxProfile.balanced().replace(vacuum=5)
