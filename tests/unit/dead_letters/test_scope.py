"""What a scope and a filter accept."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from outbox import (
    ConfigurationError,
    DeadLetterFilter,
    DeadLetterScope,
    DeadLetterStatus,
    InvalidPayloadType,
    InvalidQueueName,
)


def test_a_scope_restricts_nothing_by_itself() -> None:
    scope = DeadLetterScope()
    assert (scope.partition_id, scope.queue, scope.payload_type, scope.ids, scope.limit) == (None,) * 5


def test_a_filter_shows_pending_letters_unless_it_says_otherwise() -> None:
    wanted = DeadLetterFilter(queue="orders")
    assert wanted.status is DeadLetterStatus.PENDING
    assert wanted.any_status() == DeadLetterFilter(queue="orders", status=None)
    assert DeadLetterFilter(status="resolved").status is DeadLetterStatus.RESOLVED  # type: ignore[arg-type]


def test_ids_are_kept_once_each_in_their_order_whatever_they_came_in() -> None:
    assert DeadLetterScope(ids=(n for n in (3, 1, 3))).ids == (1, 3)
    assert DeadLetterScope(ids=[]).ids == ()
    assert DeadLetterScope(ids=[]) != DeadLetterScope()


def test_a_changed_copy_is_checked_as_well() -> None:
    scope = DeadLetterScope(queue="orders")
    assert scope.replace(limit=5) == DeadLetterScope(queue="orders", limit=5)
    with pytest.raises(ConfigurationError, match="limit"):
        scope.replace(limit=0)


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("partition_id", 0, ConfigurationError),
        ("partition_id", "1", ConfigurationError),
        ("queue", "", InvalidQueueName),
        ("payload_type", "é", InvalidPayloadType),
        ("ids", 5, ConfigurationError),
        ("ids", "12", ConfigurationError),
        ("ids", [1, None], ConfigurationError),
        ("ids", [-1], ConfigurationError),
        ("ids", [2**63], ConfigurationError),
        ("limit", True, ConfigurationError),
        ("status", "lost", ConfigurationError),
        ("failed_before", datetime(2026, 1, 1), ConfigurationError),  # noqa: DTZ001 - the mistake itself
        ("failed_after", "2026-01-01", ConfigurationError),
        ("after_id", 0, ConfigurationError),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(field: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        DeadLetterFilter(**{field: value})
    if error is ConfigurationError:
        assert field in str(caught.value)


def test_times_of_any_zone_are_taken() -> None:
    moment = datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert DeadLetterFilter(failed_after=moment).failed_after == moment
