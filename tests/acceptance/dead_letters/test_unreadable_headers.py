"""A letter that is here because its headers cannot be read does not keep anybody from the letters."""

from __future__ import annotations

import pytest

from outbox import DeadLetterScope, OutboxMessage
from tests.acceptance.dead_letters.office import Office


@pytest.fixture(
    params=['{"half": ', '["a list"]', '{"number": 7}', "null", "\\", "[" * 100_000], ids=range(6)
)
def headers(request: pytest.FixtureRequest, office: Office) -> str:
    """What stands in the second of three letters."""
    _, second, _ = office.put(b"a", b"b", b"c")
    text = str(request.param)
    office.database.execute("UPDATE outbox_dead_letters SET headers = ? WHERE id = ?", text, second)
    return text


def test_it_is_listed_among_the_others_with_what_was_stored(office: Office, headers: str) -> None:
    found = [dict(letter.headers) for letter in office.letters.list()]

    assert found == [{}, {"unreadable-headers": headers}, {}]


def test_it_is_replayed_and_requeued_like_the_others(office: Office, headers: str) -> None:
    claimed = office.letters.replay()
    assert office.letters.reject(claimed, "again") == 3

    office.letters.requeue(DeadLetterScope())

    seen: list[OutboxMessage] = []
    office.bench.by_hand(lambda queue: queue.leased(seen.append)).work()
    assert [dict(msg.headers) for msg in seen] == [{}, {"unreadable-headers": headers}, {}]
