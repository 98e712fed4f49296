from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from outbox import (
    ConfigurationError,
    InvalidTablePrefix,
    LeaseConfig,
    Outbox,
    OutboxBuilder,
    OutboxProfile,
    WorkerTuning,
)
from outbox.facade import QueueBuilder
from tests.support import Database

URL = "sqlite:////nowhere/outbox.db"
NAN, INF = float("nan"), float("inf")

BAD_VALUES: dict[str, list[Any]] = {
    "profile": [None, "balanced", OutboxProfile, WorkerTuning.processor()],
    "processor_tuning": [None, {}, 5, OutboxProfile.balanced()],
    "sequencer_tuning": [None, {}, 5],
    "vacuum_tuning": [None, {}, 5],
    "reconciler_tuning": [None, {}, 5],
    "processors": [0, -1, 1.5, "4", True, None, 1_001, 10**9],
    "sequencers": [0, -1, 1.5, "1", True, None, 1_001, 10**9],
    "stats_interval": [-1, NAN, INF, "60", None, True, timedelta(seconds=-1)],
    "max_payload_size": [0, -1, 1.5, "10", True, None, 10**9 + 1, 2**70],
    "wakeup": ["", "push", "NOTIFY", None, 1, []],
    "poll_interval": [0, -1, 1e-7, 10**400, NAN, INF, "1", None, True, timedelta(0)],
    "require_transaction": [None, 0, 1, "no"],
    "schema": ["", "a b", 'a"b', "1a", "a;", "x" * 64, 7],
}
GOOD_VALUES: dict[str, list[Any]] = {
    "processors": [1, 64],
    "sequencers": [1, 4],
    "stats_interval": [0, 0.5, timedelta(minutes=1)],
    "max_payload_size": [1, 10**9],
    "wakeup": ["auto", "notify", "poll"],
    "poll_interval": [0.001, 60, timedelta(milliseconds=20)],
    "require_transaction": [True, False],
    "schema": ["app", "_a1", "App", None],
    "table_prefix": ["shop"],
}


@pytest.mark.parametrize("option", BAD_VALUES)
def test_a_bad_value_is_refused_at_once_with_the_option_and_the_value(option: str) -> None:
    for value in BAD_VALUES[option]:
        with pytest.raises(ConfigurationError) as caught:
            getattr(Outbox.builder(URL), option)(value)
        assert caught.value.option == option
        assert caught.value.value is value
        assert str(caught.value).startswith(f"{option} is ")


@pytest.mark.parametrize("option", GOOD_VALUES)
def test_a_good_value_is_taken(option: str) -> None:
    for value in GOOD_VALUES[option]:
        builder = Outbox.builder(URL)
        assert getattr(builder, option)(value) is builder


@pytest.mark.parametrize(
    ("idle", "poll_interval", "expected"), [(60, None, 1), (0.2, None, 0.2), (0.2, 5, 5), (60, 90, 90)]
)
def test_the_reconciler_polls_as_it_was_told_or_else_every_second_or_as_its_tuning_says(
    idle: float, poll_interval: float | None, expected: float
) -> None:
    builder = Outbox.builder(URL).reconciler_tuning(WorkerTuning.reconciler().idle_interval(idle))
    if poll_interval is not None:
        builder.poll_interval(poll_interval)
    assert builder._options.pipeline_settings(announce=False).poll_interval == expected


def test_a_bad_prefix_is_refused_at_once() -> None:
    with pytest.raises(InvalidTablePrefix):
        Outbox.builder(URL).table_prefix("1shop")


def ignore(*_: object) -> None:
    """Handle nothing."""


class Asynchronous:
    async def __call__(self, *_: object) -> None:
        """Handle nothing, later."""


async def ignore_later(*_: object) -> None:
    """Handle nothing, later."""


Declare = Callable[..., OutboxBuilder]
LEASED: dict[str, Declare] = {"leased": QueueBuilder.leased, "leased_batch": QueueBuilder.leased_batch}
TRANSACTIONAL: dict[str, Declare] = {
    "transactional": QueueBuilder.transactional,
    "transactional_batch": QueueBuilder.transactional_batch,
}
WAYS = LEASED | TRANSACTIONAL
any_way = pytest.mark.parametrize("declare", WAYS.values(), ids=WAYS)


def queue() -> QueueBuilder:
    return Outbox.builder(URL).queue("orders", 2)


@any_way
def test_a_handler_must_be_a_plain_callable(declare: Declare) -> None:
    for handler in (None, "ship", 7, ignore_later, Asynchronous(), Asynchronous, partial(ignore_later)):
        with pytest.raises(
            ConfigurationError, match=r"plain callable|give a callable|give an instance"
        ) as caught:
            declare(queue(), handler)
        assert caught.value.option == "handler"
    for handler in (ignore, lambda *_: None):  # type: ignore[assignment]
        declare(queue(), handler)


@any_way
def test_max_attempts_is_a_whole_number_from_1_on(declare: Declare) -> None:
    for value in (0, -1, 1.5, "3", True, 2**31):
        with pytest.raises(ConfigurationError) as caught:
            declare(queue(), ignore, max_attempts=value)
        assert (caught.value.option, caught.value.value) == ("max_attempts", value)
    for value in (1, 10_000, None):  # type: ignore[assignment]
        declare(queue(), ignore, max_attempts=value)


@any_way
def test_a_queues_tuning_is_a_tuning(declare: Declare) -> None:
    wrong: tuple[object, ...] = (5, {}, OutboxProfile.balanced())
    for value in wrong:
        with pytest.raises(ConfigurationError) as caught:
            declare(queue(), ignore, tuning=value)
        assert caught.value.option == "tuning"
    declare(queue(), ignore, tuning=WorkerTuning.processor())


@pytest.mark.parametrize("declare", LEASED.values(), ids=LEASED)
def test_a_lease_is_a_lease_config(declare: Declare) -> None:
    for value in (60, timedelta(seconds=60), {"duration": 60}):
        with pytest.raises(ConfigurationError, match="give a LeaseConfig"):
            declare(queue(), ignore, lease=value)
    declare(queue(), ignore, lease=LeaseConfig(60))


@pytest.mark.parametrize(
    ("duration", "options", "named"),
    [
        (0, {}, "duration"),
        (-1, {}, "duration"),
        (NAN, {}, "duration"),
        ("60", {}, "duration"),
        (10, {"headroom": 10}, "headroom"),
        (10, {"headroom": -1}, "headroom"),
        (10, {"renewals": -1}, "renewals"),
        (10, {"renewals": 1.5}, "renewals"),
    ],
)
def test_a_lease_that_cannot_work_is_refused_where_it_is_made(
    duration: Any, options: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        LeaseConfig(duration, **options)
    assert caught.value.option == named


@pytest.mark.parametrize("changes", [{"batch_size": 0}, {"idle_interval": -1}, {"retry_max": NAN}], ids=str)
def test_a_tuning_that_cannot_work_is_refused_where_it_is_made(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        WorkerTuning.processor().replace(**changes)
    assert caught.value.option in changes


@any_way
def test_an_unknown_option_is_refused_with_the_known_ones(declare: Declare) -> None:
    with pytest.raises(
        ConfigurationError,
        match="lease, max_attempts, on_give_up, park_limits, tuning, around, rate and keep",
    ) as caught:
        declare(queue(), ignore, max_retries=3)
    assert (caught.value.option, caught.value.value) == ("max_retries", 3)


@pytest.mark.parametrize("declare", TRANSACTIONAL.values(), ids=TRANSACTIONAL)
def test_a_transactional_queue_has_no_lease(declare: Declare) -> None:
    with pytest.raises(ConfigurationError) as caught:
        declare(queue(), ignore, lease=LeaseConfig())
    assert caught.value.option == "lease"


def test_a_queue_that_is_only_enqueued_to_has_no_options() -> None:
    with pytest.raises(ConfigurationError) as caught:
        queue().enqueue_only(max_attempts=3)  # type: ignore[arg-type]
    assert caught.value.option == "max_attempts"


def test_a_refused_declaration_can_be_corrected() -> None:
    undecided = queue()
    with pytest.raises(ConfigurationError):
        undecided.leased(ignore, max_attempts=0)
    undecided.leased(ignore, max_attempts=1)


@pytest.mark.backends("sqlite", "mysql", "mariadb")
def test_notifications_are_refused_where_there_are_none(migrated: Database) -> None:
    builder = Outbox.builder(migrated.url).wakeup("notify").queue("orders", 1).leased(ignore)
    for enter in (builder.open, builder.start):
        with pytest.raises(ConfigurationError, match="use auto or poll") as caught:
            enter()
        assert caught.value.option == "wakeup"
