"""Claims: who gets which letters, and for how long."""

from __future__ import annotations

from array import array
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from outbox import ConfigurationError, DeadLetterFilter, DeadLetterScope, DeadLetterStatus
from tests.acceptance.bench import run_sql
from tests.acceptance.dead_letters.office import NOON, Office, ids_of
from tests.support import eventually

CLAIMED = DeadLetterFilter(status=DeadLetterStatus.REPROCESSING)


def test_a_replay_returns_letters_as_claimed_oldest_first(office: Office) -> None:
    ids = office.put(b"a", b"b", b"c")
    claimed = office.letters.replay(DeadLetterScope(limit=2))
    assert ids_of(claimed) == ids[:2]
    assert [letter.payload for letter in claimed] == [b"a", b"b"]
    assert {letter.status for letter in claimed} == {DeadLetterStatus.REPROCESSING}
    assert len({letter.claim for letter in claimed}) == 1
    assert office.letters.list(CLAIMED)[::-1] == claimed
    assert ids_of(office.letters.list()) == ids[2:]


def test_every_replay_has_a_claim_of_its_own(office: Office) -> None:
    office.put(b"a", b"b")
    claims = {office.letters.replay(DeadLetterScope(limit=1))[0].claim for _ in range(2)}
    assert len(claims) == 2
    assert None not in claims


def test_a_deadline_is_the_timeout_from_now_by_the_clock_of_the_database(office: Office) -> None:
    office.put(b"a")
    before = database_time(office)
    (letter,) = office.letters.replay(timeout=timedelta(minutes=5))
    after = database_time(office)
    assert letter.deadline is not None
    assert timedelta(minutes=5) <= letter.deadline - before
    assert letter.deadline - after <= timedelta(minutes=5)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), None])
def test_a_timeout_that_cannot_be_meant_is_refused(office: Office, timeout: object) -> None:
    office.put(b"a")
    with pytest.raises(ConfigurationError, match="timeout"):
        office.letters.replay(timeout=timeout)  # type: ignore[arg-type]
    assert office.letters.count() == 1


def test_at_most_a_hundred_are_claimed_unless_a_limit_is_given(office: Office) -> None:
    office.put(b"x")
    assert office.put_many(10) == 1024
    assert len(office.letters.replay()) == 100
    assert len(office.letters.replay(DeadLetterScope(limit=700))) == 700
    assert len(office.letters.replay(DeadLetterScope(limit=1000))) == 224


def test_a_claim_is_not_to_be_had_again_before_its_deadline_has_passed(office: Office) -> None:
    ids = office.put(b"a", b"b")
    first = office.letters.replay(DeadLetterScope(ids=ids[1:]), timeout=60)
    assert ids_of(office.letters.replay(timeout=0.2)) == ids[:1]

    taken = eventually(office.letters.replay)
    assert ids_of(taken) == ids[:1]

    office.end_claims()
    taken = office.letters.replay(DeadLetterScope(ids=ids[1:]))
    assert ids_of(taken) == ids_of(first)
    assert taken[0].claim != first[0].claim


def test_letters_whose_claim_has_run_out_come_before_younger_ones(office: Office) -> None:
    old, middle, young = office.put(b"old", b"middle", b"young")
    office.letters.replay(DeadLetterScope(ids=[middle]))
    office.end_claims()
    assert ids_of(office.letters.replay(DeadLetterScope(limit=2))) == [old, middle]
    assert ids_of(office.letters.replay()) == [young]


def test_only_what_is_in_the_scope_is_claimed(office: Office) -> None:
    other = office.bench.ids[1]
    plain, typed, placed = [
        *office.put(b"plain"),
        *office.put(b"typed", payload_type="wanted"),
        *office.put(b"placed", partition_id=other),
    ]
    assert ids_of(office.letters.replay(DeadLetterScope(payload_type="wanted"))) == [typed]
    assert ids_of(office.letters.replay(DeadLetterScope(partition_id=other))) == [placed]
    assert office.letters.replay(DeadLetterScope(ids=[plain], queue="bills")) == []
    assert office.letters.replay(DeadLetterScope(ids=[])) == []
    assert ids_of(office.letters.replay(DeadLetterScope(queue="orders"))) == [plain]


def test_only_what_can_be_claimed_is_claimed(office: Office) -> None:
    ids = office.every_status()
    assert ids_of(office.letters.replay(DeadLetterScope(ids=ids.values()))) == [ids[DeadLetterStatus.PENDING]]


def test_a_filter_is_refused_where_its_status_would_be_passed_over(office: Office) -> None:
    office.put(b"a")
    with pytest.raises(ConfigurationError, match="scope"):
        office.letters.replay(DeadLetterFilter(failed_before=NOON))
    assert office.letters.count() == 1


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_what_another_transaction_has_locked_is_passed_over(office: Office) -> None:
    ids = office.put(b"a", b"b", b"c")
    conn = office.database.connect()
    run_sql(conn, "SELECT id FROM outbox_dead_letters WHERE id = ? FOR UPDATE", ids[0]).fetchall()
    with ThreadPoolExecutor() as threads:
        try:
            replayed = threads.submit(office.letters.replay, DeadLetterScope(limit=1)).result(10)
            discarded = threads.submit(office.letters.discard, DeadLetterScope(queue="orders")).result(10)
        finally:
            conn.rollback()  # also frees a thread that waits
    assert (ids_of(replayed), discarded) == ([ids[1]], 1)
    assert ids_of(office.letters.replay()) == [ids[0]]


@pytest.mark.parametrize("scope", [DeadLetterScope(limit=2), DeadLetterScope(limit=5), None])
def test_a_loop_that_rejects_everything_ends_and_has_tried_each_letter_once(
    office: Office, scope: DeadLetterScope | None
) -> None:
    ids = office.put(*[b"x"] * 5)
    tried: list[int] = []
    while claimed := office.letters.replay(scope):
        assert len(tried) < 20, "it does not end"
        tried += ids_of(claimed)
        for letter in claimed:
            assert office.letters.reject([letter], "still no") == 1
    assert tried == ids
    assert ids_of(office.letters.replay(scope)) == ids[: 2 if scope == DeadLetterScope(limit=2) else 5]


def test_a_loop_in_one_transaction_of_the_caller_ends_too(office: Office) -> None:
    ids = office.put(*[b"x"] * 3)
    conn = office.database.connect()
    tried: list[int] = []
    while claimed := office.letters.replay(DeadLetterScope(limit=2), conn=conn):
        assert len(tried) < 20, "it does not end"
        tried += ids_of(claimed)
        office.letters.reject(claimed, "still no", conn=conn)
    conn.commit()
    assert tried == ids


def test_a_rejected_letter_can_be_claimed_by_its_id_at_once(office: Office) -> None:
    ids = office.put(b"a", b"b")
    office.letters.reject(office.letters.replay(), "no")
    claimed = office.letters.claim(reversed(ids))
    assert ids_of(claimed) == ids
    assert office.letters.claim(ids) == []
    assert office.letters.resolve(claimed) == 2


def test_a_scope_goes_on_behind_a_letter(office: Office) -> None:
    first, second, third = office.put(b"a", b"b", b"c")
    assert office.letters.discard(DeadLetterScope(after_id=second)) == 1
    assert ids_of(office.letters.replay(DeadLetterScope(after_id=first))) == [second]
    assert office.letters.replay(DeadLetterScope(ids=[first], after_id=first)) == []
    assert office.states()[third] == "discarded"


def test_a_scope_is_restricted_by_the_time_of_the_last_failure(office: Office) -> None:
    office.put(b"a", b"b")
    (again,) = office.letters.replay(DeadLetterScope(limit=1))
    office.letters.reject([again], "no")
    (letter,) = office.letters.list(DeadLetterFilter(ids=[again.id]))
    assert letter.failed_at > again.failed_at
    late = DeadLetterScope(failed_after=letter.failed_at)
    assert office.letters.select(late) == array("q", [again.id])
    assert office.letters.discard(DeadLetterScope(failed_before=letter.failed_at)) == 1
    assert office.letters.requeue(late) != []
    assert office.letters.count() == 0


def database_time(office: Office) -> datetime:
    """Return the time by the database, as the letters have it."""
    (probe,) = office.put(b"probe")
    office.letters.discard(DeadLetterScope(ids=[probe]))
    (letter,) = office.letters.list(DeadLetterFilter(ids=[probe]).any_status())
    assert letter.completed_at is not None
    return letter.completed_at
