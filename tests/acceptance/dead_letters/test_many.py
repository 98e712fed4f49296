"""Many letters: bounded statements, bounded memory, and payloads only for those who want them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from outbox import DeadLetter, DeadLetterFilter, DeadLetterScope
from outbox.dead_letters import actions
from outbox.dead_letters.actions import ROWS
from outbox.dead_letters.store import Store
from tests.acceptance.dead_letters.office import Office

MANY = 1024


@pytest.fixture
def portions(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """How many letters each call of the statements that change or read letters was about."""
    sizes: dict[str, list[int]] = {}

    def watch(name: str) -> None:
        original = getattr(Store, name)

        def noting(store: Store, ids: Sequence[int], *rest: object) -> object:
            sizes.setdefault(name, []).append(len(ids))
            return original(store, ids, *rest)

        monkeypatch.setattr(Store, name, noting)

    for name in ("read", "complete", "delete", "reject"):
        watch(name)
    return sizes


def put_many(office: Office) -> None:
    office.put(b"x")
    assert office.put_many(10) == MANY


def test_discard_and_cleanup_work_in_portions_and_read_no_payload(
    office: Office, portions: dict[str, list[int]]
) -> None:
    put_many(office)
    assert office.letters.discard(DeadLetterScope(queue="orders")) == MANY
    assert office.letters.cleanup() == MANY
    assert portions == {"complete": [ROWS, ROWS, MANY - 2 * ROWS], "delete": [ROWS, ROWS, MANY - 2 * ROWS]}
    assert office.states() == {}


@pytest.mark.parametrize("named", [False, True], ids=["all", "named-ids"])
def test_a_limit_holds_across_portions(office: Office, named: bool) -> None:
    put_many(office)
    ids = list(office.states()) if named else None
    assert office.letters.discard(DeadLetterScope(limit=ROWS + 7, ids=ids)) == ROWS + 7
    assert office.letters.count(DeadLetterFilter(ids=ids)) == MANY - ROWS - 7
    assert office.letters.discard(DeadLetterScope(ids=office.states())) == MANY - ROWS - 7


def test_large_payloads_are_requeued_a_few_at_a_time(
    office: Office, portions: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "BYTES_AT_ONCE", 10_000)
    office.put(b"s", *[b"l" * 6_000] * 3, b"s", b"h" * 30_000)
    assert len(office.letters.requeue(DeadLetterScope(queue="orders"))) == 6
    assert portions["read"] == [2, 1, 2, 1]


def test_many_letters_are_claimed_and_settled_in_portions(
    office: Office, portions: dict[str, list[int]]
) -> None:
    put_many(office)
    claimed = office.letters.replay(DeadLetterScope(limit=MANY))
    assert len({letter.id for letter in claimed}) == MANY
    assert office.letters.reject(claimed, "no") == MANY
    assert max(portions["read"] + portions["reject"]) == ROWS


def test_pages_show_every_letter_once(office: Office) -> None:
    put_many(office)
    seen: list[DeadLetter] = []
    for page in office.letters.pages(DeadLetterFilter(limit=300)):
        assert len(page) <= 300
        seen += page
    assert [letter.id for letter in seen] == sorted(office.states(), reverse=True)
