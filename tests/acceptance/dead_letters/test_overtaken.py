"""A claimant that was too slow."""

from __future__ import annotations

import pytest

from outbox import DeadLetterScope
from tests.acceptance.dead_letters.office import Office, ids_of


@pytest.mark.parametrize("operation", ["resolve", "reject"])
def test_whoever_lost_a_letter_to_a_later_claim_changes_nothing(office: Office, operation: str) -> None:
    ids = office.put(b"a", b"b")
    slow = office.letters.replay()
    office.end_claims()
    quick = office.letters.replay(DeadLetterScope(ids=ids[:1]))
    before = office.letters.list(DeadLetterScope(ids=ids))
    if operation == "resolve":
        assert office.letters.resolve(slow[:1]) == 0
    else:
        assert office.letters.reject(slow[:1], "late") == 0
    assert office.letters.list(DeadLetterScope(ids=ids)) == before
    assert office.letters.resolve(quick) == 1
    # The other one was lost to nobody: late, but the work is done.
    assert office.letters.resolve(slow) == 1
    assert set(office.states().values()) == {"resolved"}


def test_what_was_resolved_late_cannot_be_claimed_any_more(office: Office) -> None:
    (id_,) = office.put(b"a")
    slow = office.letters.replay()
    office.end_claims()
    assert office.letters.resolve(slow) == 1
    assert office.letters.replay(DeadLetterScope(ids=[id_])) == []
    assert ids_of(slow) == [id_]
