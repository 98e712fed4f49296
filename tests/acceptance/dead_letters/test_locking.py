"""What was found is looked at again when it is locked: it may have changed hands in between."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outbox import DeadLetterStatus
from outbox.connections.adapt import adapt
from outbox.dead_letters.store import Store
from outbox.values.identity import NAMELESS
from tests.acceptance.dead_letters.office import Office

PENDING, REPROCESSING, RESOLVED, DISCARDED = DeadLetterStatus


@pytest.fixture
def store(office: Office) -> Iterator[Store]:
    conn = office.database.connect()
    yield Store(adapt(conn), office.outbox.backend.catalog, NAMELESS)
    conn.rollback()


def test_only_what_is_still_open_is_locked_to_be_taken(office: Office, store: Store) -> None:
    ids = office.every_status()
    assert store.lock_open(list(ids.values())) == {ids[PENDING]: 1}


def test_an_overdue_claim_is_open(office: Office, store: Store) -> None:
    ids = office.every_status()
    office.end_claims()
    assert store.lock_open(list(ids.values())) == {ids[PENDING]: 1, ids[REPROCESSING]: 1}


def test_only_what_is_done_with_is_locked_to_be_deleted(office: Office, store: Store) -> None:
    ids = office.every_status()
    assert store.lock_completed(list(ids.values())) == [ids[RESOLVED], ids[DISCARDED]]


def test_only_what_the_claim_holds_is_locked_to_be_settled(office: Office, store: Store) -> None:
    ids = office.every_status()
    assert store.lock_claimed(list(ids.values()), "somebody") == [ids[REPROCESSING]]
    assert store.lock_claimed(list(ids.values()), "somebody else") == []
