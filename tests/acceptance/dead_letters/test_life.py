"""From which status to which status each operation leads, and from which it does not."""

from __future__ import annotations

import pytest

from outbox import ConfigurationError, DeadLetter, DeadLetterFilter, DeadLetterScope, DeadLetterStatus
from tests.acceptance.dead_letters.office import Office

PENDING, REPROCESSING, RESOLVED, DISCARDED = DeadLetterStatus
ANY = DeadLetterFilter().any_status()


def letter_of(office: Office, id_: int) -> DeadLetter:
    (letter,) = office.letters.list(ANY.replace(ids=[id_]))
    return letter


def test_a_resolved_letter_is_done_with_and_remembers_when(office: Office) -> None:
    office.put(b"a", b"b")
    claimed = office.letters.replay()
    assert office.letters.resolve(claimed[:1]) == 1
    letter = letter_of(office, claimed[0].id)
    assert (letter.status, letter.claim, letter.deadline) == (RESOLVED, None, None)
    assert letter.completed_at is not None
    assert letter_of(office, claimed[1].id) == claimed[1]
    assert office.letters.resolve(claimed) == 1


def test_a_rejected_letter_is_pending_again_with_one_attempt_more_and_the_new_reason(office: Office) -> None:
    (id_,) = office.put(b"a")
    before = letter_of(office, id_)
    claimed = office.letters.replay()
    assert office.letters.reject(claimed, "still\0 no 😀 \"good\" \\ 'at' 100% :all") == 1
    after = letter_of(office, id_)
    assert (after.status, after.claim, after.deadline) == (PENDING, None, None)
    assert after.attempts == before.attempts + 1
    assert after.last_error == "still no 😀 \"good\" \\ 'at' 100% :all"
    assert after.failed_at > before.failed_at
    assert office.letters.reject(claimed, "twice") == 0
    assert letter_of(office, id_) == after


def test_a_reason_is_cut_at_two_thousand_characters(office: Office) -> None:
    office.put(b"a")
    office.letters.reject(office.letters.replay(), "é" * 3000)
    assert office.letters.list()[0].last_error == "é" * 2000


@pytest.mark.parametrize("operation", ["resolve", "reject"])
def test_letters_that_nobody_claimed_cannot_be_settled(office: Office, operation: str) -> None:
    office.every_status()
    before = office.states()
    held_by_nobody = [letter for letter in office.letters.list(ANY) if letter.claim is None]
    assert len(held_by_nobody) == 3
    assert settle(office, operation, held_by_nobody) == 0
    assert settle(office, operation, []) == 0
    assert office.states() == before


@pytest.mark.parametrize("operation", ["resolve", "reject"])
def test_only_letters_can_be_settled(office: Office, operation: str) -> None:
    with pytest.raises(ConfigurationError, match=r"replay\(\)"):
        settle(office, operation, [7])  # type: ignore[list-item]


def test_letters_of_several_claims_are_settled_at_once(office: Office) -> None:
    office.put(*[b"x"] * 4)
    claimed = [letter for _ in range(4) for letter in office.letters.replay(DeadLetterScope(limit=1))]
    assert office.letters.resolve([*claimed, claimed[0]]) == 4


def test_a_discard_takes_pending_letters_only(office: Office) -> None:
    ids = office.every_status()
    assert office.letters.discard(DeadLetterScope(ids=ids.values())) == 1
    assert office.states() == {
        ids[PENDING]: "discarded",
        ids[REPROCESSING]: "reprocessing",
        ids[RESOLVED]: "resolved",
        ids[DISCARDED]: "discarded",
    }
    assert letter_of(office, ids[PENDING]).completed_at is not None


@pytest.mark.parametrize("scope", [DeadLetterScope(), None], ids=["empty", "none"])
def test_a_discard_of_everything_must_be_said_in_so_many_words(
    office: Office, scope: DeadLetterScope | None
) -> None:
    office.put(b"a", b"b")
    with pytest.raises(ConfigurationError, match="it restricts nothing"):
        office.letters.discard(scope)  # type: ignore[arg-type]
    assert office.letters.discard(DeadLetterScope(ids=[])) == 0
    assert office.letters.count() == 2
    assert office.letters.discard(DeadLetterScope(limit=1)) == 1
    assert office.letters.discard(DeadLetterScope(queue="orders")) == 1


def test_a_discarded_letter_is_the_oldest_when_there_is_a_limit(office: Office) -> None:
    ids = office.put(b"a", b"b", b"c")
    assert office.letters.discard(DeadLetterScope(limit=2)) == 2
    assert office.states() == {ids[0]: "discarded", ids[1]: "discarded", ids[2]: "pending"}


def test_a_cleanup_deletes_what_is_done_with_and_nothing_else(office: Office) -> None:
    ids = office.every_status()
    assert office.letters.cleanup(DeadLetterScope(queue="bills")) == 0
    assert office.letters.cleanup(DeadLetterScope(ids=[ids[PENDING], ids[REPROCESSING]])) == 0
    assert office.letters.cleanup(DeadLetterScope(limit=1)) == 1
    assert office.letters.cleanup() == 1
    assert office.states() == {ids[PENDING]: "pending", ids[REPROCESSING]: "reprocessing"}


def test_a_claim_that_has_run_out_can_be_discarded(office: Office) -> None:
    (id_,) = office.put(b"a")
    claimed = office.letters.replay()
    assert office.letters.discard(DeadLetterScope(ids=[id_])) == 0
    office.end_claims()
    assert office.letters.discard(DeadLetterScope(ids=[id_])) == 1
    assert office.letters.resolve(claimed) == 0
    assert office.states() == {id_: "discarded"}


def settle(office: Office, operation: str, letters: list[DeadLetter]) -> int:
    if operation == "resolve":
        return office.letters.resolve(letters)
    return office.letters.reject(letters, "no")
