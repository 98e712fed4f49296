"""The value that a dead letter is."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace
from datetime import datetime, timezone

import pytest

from outbox import DeadLetter, DeadLetterStatus

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
LETTER = DeadLetter(
    id=3,
    message_id=9,
    queue="orders",
    partition=1,
    partition_id=2,
    seq=5,
    payload=b'{"card":"4111"}',
    payload_type="application/json",
    headers={"trace": "x"},
    created_at=NOW,
    failed_at=NOW,
    last_error="no",
    attempts=1,
    status=DeadLetterStatus.PENDING,
)


def test_its_repr_shows_where_and_why_but_no_payload() -> None:
    shown = repr(LETTER)
    assert "4111" not in shown
    assert shown == (
        "<DeadLetter id=3 pending queue='orders' partition=1 seq=5 attempts=1 last_error='no' "
        "payload_type='application/json' payload=15 bytes>"
    )


def test_it_is_a_value_that_cannot_be_changed() -> None:
    assert replace(LETTER) == LETTER
    assert len({LETTER, replace(LETTER), replace(LETTER, attempts=2)}) == 2
    with pytest.raises(FrozenInstanceError):
        LETTER.seq = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        LETTER.headers["trace"] = "y"  # type: ignore[index]


def test_it_can_be_sent_to_another_process() -> None:
    copy = pickle.loads(pickle.dumps(LETTER))
    assert copy == LETTER
    assert copy.json() == {"card": "4111"}


def test_a_status_reads_as_its_name_in_the_table() -> None:
    assert f"{DeadLetterStatus.PENDING}" == str(DeadLetterStatus.PENDING) == "pending"
    status: object = DeadLetterStatus.PENDING
    assert status == "pending"
