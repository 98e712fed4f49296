from __future__ import annotations

import copy
import dataclasses
import json
import math
import pickle
from datetime import timedelta
from typing import Any

import pytest

from outbox.errors import ConfigurationError
from outbox.values.worker_tuning import WorkerTuning

# batch, min, active, idle, ramp, retry base, retry max, degradation threshold, lease
NUMBERS = {
    "processor": (10, 0.1, 0.5, 600, 0.05, 1, 60, 2, 30),
    "processor_default": (10, 0.1, 0.5, 600, 0.05, 1, 60, 2, 30),
    "processor_low_latency": (10, 0.001, 0.002, 60, 0.001, 0.1, 10, 3, 30),
    "processor_high_throughput": (100, 0.001, 0.02, 600, 0.002, 1, 60, 2, 30),
    "processor_relaxed": (10, 0.1, 0.5, 600, 0.05, 5, 300, 1, 30),
    "processor_adaptive": (500, 0, 0.02, 60, 0.005, 1, 60, 2, 30),
    "sequencer": (1000, 0.1, 0.5, 600, 0.05, 0.1, 30, 1, 30),
    "sequencer_default": (1000, 0.1, 0.5, 600, 0.05, 0.1, 30, 1, 30),
    "sequencer_low_latency": (500, 0, 0.001, 60, 0, 0.1, 30, 1, 30),
    "sequencer_high_throughput": (2000, 0.01, 0.1, 600, 0.01, 0.1, 30, 1, 30),
    "sequencer_relaxed": (1000, 0.1, 0.5, 600, 0.1, 0.1, 30, 1, 30),
    "sequencer_adaptive": (2000, 0, 0.02, 60, 0.005, 0.1, 30, 1, 30),
    "vacuum": (10_000, 1, 1, 3600, 0, 1, 60, 1, 30),
    "vacuum_adaptive": (10_000, 0, 0.2, 3600, 0.05, 1, 60, 1, 30),
    "reconciler": (1, 1, 1, 60, 0, 1, 60, 1, 30),
}
FIELDS = [field.name for field in dataclasses.fields(WorkerTuning)]
NEW_VALUES = dict(zip(FIELDS, (50, 0.2, 0.9, 9.0, 0.01, 0.7, 99.0, 7, 44.0), strict=True))


@pytest.mark.parametrize("name", NUMBERS)
def test_a_named_tuning_has_its_numbers(name: str) -> None:
    tuning = getattr(WorkerTuning, name)()
    assert dataclasses.astuple(tuning) == NUMBERS[name]


@pytest.mark.parametrize("name", FIELDS)
def test_calling_a_field_gives_a_changed_tuning_and_leaves_the_old_one(name: str) -> None:
    tuning = WorkerTuning.processor()
    value: Any = NEW_VALUES[name]
    changed = getattr(tuning, name)(value)
    assert getattr(changed, name) == value
    assert changed == tuning.replace(**{name: value}) == dataclasses.replace(tuning, **{name: value})
    assert tuning == WorkerTuning.processor()


def test_changes_chain() -> None:
    tuning = WorkerTuning.processor_high_throughput().batch_size(50).retry_base(timedelta(seconds=5))
    assert (tuning.batch_size, tuning.retry_base, tuning.active_interval) == (50, 5.0, 0.02)


def test_a_field_is_the_number_in_every_respect() -> None:
    tuning = WorkerTuning.processor()
    assert isinstance(tuning.batch_size, int)
    assert isinstance(tuning.retry_base, float)
    assert (tuning.batch_size + 1, tuning.retry_base * 2, [1] * 20)[0:2] == (11, 2.0)
    assert f"{tuning.batch_size} {tuning.retry_base:.1f} {tuning.retry_base!r}" == "10 1.0 1.0"
    assert json.dumps([tuning.batch_size, tuning.retry_base]) == "[10, 1.0]"
    assert {10: "ten"}[tuning.batch_size] == "ten"
    assert list(range(20))[: tuning.batch_size] == list(range(10))


def test_copies_of_a_field_are_plain_numbers() -> None:
    tuning = WorkerTuning.processor()
    copies = [pickle.loads(pickle.dumps(number)) for number in (tuning.batch_size, tuning.retry_base)]
    assert [type(number) for number in (*copies, copy.copy(tuning.batch_size))] == [int, float, int]
    assert {type(value) for value in dataclasses.asdict(tuning).values()} == {int, float}


def test_a_tuning_is_a_frozen_value_that_can_be_copied() -> None:
    tuning = WorkerTuning.processor()
    assert tuning == WorkerTuning.processor()
    assert hash(tuning) == hash(WorkerTuning.processor())
    assert pickle.loads(pickle.dumps(tuning)) == tuning == copy.deepcopy(tuning)
    assert repr(tuning).startswith("WorkerTuning(batch_size=10, min_interval=0.1, ")
    with pytest.raises(dataclasses.FrozenInstanceError):
        tuning.batch_size = 5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 1.5}, "batch_size"),
        ({"batch_size": True}, "batch_size"),
        ({"min_interval": -1}, "min_interval"),
        ({"min_interval": 0.6}, "min_interval"),
        ({"active_interval": 0.05}, "min_interval"),
        ({"idle_interval": 0}, "idle_interval"),
        ({"ramp_step": -0.1}, "ramp_step"),
        ({"retry_base": 0}, "retry_base"),
        ({"retry_base": 61}, "retry_base"),
        ({"retry_max": 0.5}, "retry_base"),
        ({"retry_max": math.nan}, "retry_max"),
        ({"degradation_threshold": 0}, "degradation_threshold"),
        ({"lease_duration": 0}, "lease_duration"),
    ],
)
def test_numbers_that_cannot_work_are_refused_by_name(changes: dict[str, float], option: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        WorkerTuning.processor().replace(**changes)
    assert caught.value.option == option


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(TypeError):
        WorkerTuning.processor().replace(batchsize=5)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("batch_size", 2**70),
        ("batch_size", 1_000_001),
        ("degradation_threshold", 2**31),
        ("lease_duration", 1e-7),
        ("retry_base", 1e-9),
        ("idle_interval", 1e-6),
        ("retry_max", 1e300),
    ],
)
def test_a_number_beyond_its_bounds_is_refused_with_its_value(field: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=f"{field} is {value!r}".replace("+", r"\+")):
        getattr(WorkerTuning.processor_adaptive(), field)(value)
