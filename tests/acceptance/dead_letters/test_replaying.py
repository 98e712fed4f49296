"""Letters through a handler: what the command line does, and a web page may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from outbox import (
    Batch,
    ConfigurationError,
    DeadLetterScope,
    DeadLetterStatus,
    HandlerResult,
    OutboxMessage,
    Reject,
    Retry,
)
from outbox.dead_letters.replaying import AT_ONCE, ReplayCounts, replay_with
from tests.acceptance.dead_letters.office import Office


def handle(message: OutboxMessage) -> HandlerResult:
    answers: dict[bytes, HandlerResult] = {b"retry": Retry("later"), b"reject": Reject("never")}
    if message.payload == b"raise":
        raise ValueError("broken")
    return answers.get(message.payload)


def handle_batch(batch: Batch) -> HandlerResult:
    for message in batch:
        return handle(message)
    return None


def ack_nothing(batch: Batch) -> None:
    batch.ack_chunk(0)


def reject_by_mark(batch: Batch) -> None:
    for _ in batch:
        batch.reject("marked")


@pytest.mark.parametrize("handler", [handle, handle_batch])
def test_what_a_handler_finishes_is_resolved_and_the_rest_keeps_its_reason(
    office: Office, handler: Callable[[Any], HandlerResult]
) -> None:
    ids = office.put(b"fine", b"retry", b"raise", b"reject", b"fine")
    told: list[int] = []
    counts = replay_with(office.letters, ids, handler, progress=told.append)
    assert counts == ReplayCounts(resolved=2, rejected=3)
    assert str(counts) == "2 resolved, 3 rejected"
    assert [letter.last_error for letter in office.letters.list()][::-1] == [
        "later",
        "ValueError: broken",
        "never",
    ]
    assert told == [5]


def test_letters_are_handed_over_in_portions_in_their_order(office: Office) -> None:
    ids = office.put(*[str(n).encode() for n in range(AT_ONCE + 2)])
    seen: list[OutboxMessage] = []
    told: list[int] = []
    counts = replay_with(office.letters, ids, seen.append, 60, progress=told.append)
    assert counts == ReplayCounts(resolved=AT_ONCE + 2)
    assert [message.payload for message in seen] == [str(n).encode() for n in range(AT_ONCE + 2)]
    assert told == [AT_ONCE, 2]


def test_a_batch_handler_that_marks_nothing_has_not_finished_its_letter(office: Office) -> None:
    ids = office.put(b"a")
    assert replay_with(office.letters, ids, ack_nothing) == ReplayCounts(rejected=1)
    assert replay_with(office.letters, ids, reject_by_mark) == ReplayCounts(rejected=1)
    assert office.letters.list()[0].last_error == "marked"


def test_a_letter_that_another_claim_holds_is_skipped_and_one_that_is_overtaken_is_lost(
    office: Office,
) -> None:
    held, overtaken = office.put(b"held", b"overtaken")
    office.letters.replay(DeadLetterScope(ids=[held]))

    def be_overtaken(message: OutboxMessage) -> None:
        office.database.execute("UPDATE outbox_dead_letters SET claim = 'other' WHERE id = ?", overtaken)

    assert replay_with(office.letters, [held, overtaken], be_overtaken) == ReplayCounts(lost=1, skipped=1)
    assert office.states()[overtaken] == DeadLetterStatus.REPROCESSING.value


async def asynchronous(message: OutboxMessage) -> None:
    """Do nothing."""


def generator(message: OutboxMessage) -> Any:
    yield message


def transactional(conn: object, message: OutboxMessage) -> None:
    """Do nothing."""


@pytest.mark.parametrize("handler", [asynchronous, generator, transactional, ValueError, "shop:ship"])
def test_a_handler_that_could_not_work_is_refused_and_touches_no_letter(office: Office, handler: Any) -> None:
    ids = office.put(b"a")
    with pytest.raises(ConfigurationError, match="handler"):
        replay_with(office.letters, ids, handler)
    assert office.states() == {ids[0]: "pending"}
    assert office.letters.list()[0].last_error == "no good"
