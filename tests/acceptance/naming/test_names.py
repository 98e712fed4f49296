from __future__ import annotations

from typing import Any

import pytest

from outbox import (
    DeadLetterFilter,
    DeadLetterScope,
    EnqueueMessage,
    Outbox,
    OutboxMessage,
    Partitions,
    Reject,
)
from outbox.installation import Installation
from outbox.testing import drain
from tests.support import Database

KEYS = ["Müller & Søn 🍏", "", "a ", "a", b"bytes", b"\xff\x00", "\\x41", None]
TEXTS = ["Müller & Søn 🍏", "", "a ", "a", "bytes", "\\xff00", "\\x5c783431", None]


class Seen:
    """A handler that remembers, and rejects what it is told to."""

    def __init__(self) -> None:
        self.messages: list[OutboxMessage] = []
        self.rejecting = False

    def __call__(self, msg: OutboxMessage) -> Reject | None:
        self.messages.append(msg)
        return Reject("not now") if self.rejecting else None

    def taken(self) -> list[OutboxMessage]:
        """Return what came since the last call, in the order of the enqueue."""
        taken, self.messages = sorted(self.messages, key=lambda msg: msg.id), []
        return taken


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def box(migrated: Database, seen: Seen) -> Any:
    with Outbox.builder(migrated.url).queue("orders", Partitions.of(2)).leased(seen).open() as opened:
        yield opened


def test_a_key_arrives_as_text_from_one_message_and_from_a_batch(box: Outbox, seen: Seen) -> None:
    for key in KEYS:
        box.enqueue_now("orders", b"", key=key)
    with box.transaction() as conn:
        box.enqueue_batch(conn, "orders", [EnqueueMessage(b"", key=key) for key in KEYS])
    drain(box)

    messages = seen.taken()
    assert [msg.key for msg in messages] == TEXTS * 2
    for key, msg in zip(KEYS, messages, strict=False):
        assert key is None or msg.partition == Partitions.of(2).for_key(key)


def test_a_message_without_a_key_stores_none(box: Outbox, migrated: Database) -> None:
    box.enqueue_now("orders", b"", partition=0)
    assert migrated.query("SELECT message_key, uid, origin FROM outbox_body") == [(None, None, None)]


def test_a_letter_knows_its_key_and_is_found_by_it(box: Outbox, seen: Seen) -> None:
    seen.rejecting = True
    for key in KEYS:
        box.enqueue_now("orders", b"", key=key)
    drain(box)

    letters = sorted(box.dead_letters.list(), key=lambda letter: letter.message_id)
    assert [letter.key for letter in letters] == TEXTS
    assert [letter.uid for letter in letters] == [msg.uid for msg in seen.taken()]
    for key, text in zip(KEYS[:-1], TEXTS[:-1], strict=True):
        (found,) = box.dead_letters.list(DeadLetterFilter(key=key))
        assert found.key == text
    assert box.dead_letters.discard(DeadLetterScope(key="a")) == 1
    assert box.dead_letters.count(DeadLetterFilter(key="a ")) == 1


def test_a_requeued_letter_keeps_key_and_name_under_a_new_number(box: Outbox, seen: Seen) -> None:
    seen.rejecting = True
    box.enqueue_now("orders", b"", key="Anna")
    drain(box)
    (first,) = seen.taken()

    for _ in range(2):
        (again,) = box.dead_letters.requeue(DeadLetterScope(limit=1))
        drain(box)
        (msg,) = seen.taken()
        assert (msg.id, msg.key, msg.uid, msg.origin) == (again, "Anna", first.uid, None)
        assert msg.seq > first.seq
        assert [letter.uid for letter in box.dead_letters.list()] == [first.uid]


def test_a_name_is_made_of_source_and_id_and_differs_between_messages(box: Outbox, seen: Seen) -> None:
    for _ in range(3):
        box.enqueue_now("orders", b"")
    drain(box)

    messages = seen.taken()
    assert len({msg.uid for msg in messages}) == 3
    assert len({msg.source for msg in messages}) == 1
    for msg in messages:
        assert msg.uid.startswith(f"{msg.source}-{msg.id}-")


def test_two_families_of_tables_never_use_one_name(box: Outbox, seen: Seen, migrated: Database) -> None:
    import outbox

    outbox.migrate(migrated.url, prefix="other")
    other = Seen()
    builder = (
        Outbox.builder(migrated.url).table_prefix("other").queue("orders", Partitions.of(2)).leased(other)
    )
    with builder.open() as second:
        for each in (box, second):
            each.enqueue_now("orders", b"")
            drain(each)
    assert seen.taken()[0].source != other.taken()[0].source


def test_what_was_given_out_before_a_new_epoch_keeps_its_name(
    box: Outbox, seen: Seen, migrated: Database
) -> None:
    seen.rejecting = True
    box.enqueue_now("orders", b"", partition=0)
    drain(box)
    (before,) = seen.taken()
    installation = Installation(box.backend)
    installation.new_epoch()

    box.enqueue_now("orders", b"", partition=0)
    with Outbox.builder(migrated.url).queue("orders", 2).leased(seen).open() as later:
        drain(later)
        (after,) = seen.taken()
        letters = sorted(later.dead_letters.list(), key=lambda letter: letter.message_id)

    assert [letter.uid for letter in letters] == [before.uid, after.uid]
    assert [letter.source for letter in letters] == [before.source, after.source]
    # Tests before this one may have begun epochs in the same database.
    installation_id, _, epoch = before.source.rpartition("-")
    assert after.source == f"{installation_id}-{int(epoch) + 1}"


def test_an_emptied_installation_is_another_one(box: Outbox, migrated: Database) -> None:
    first = Installation(box.backend).identity.installation
    migrated.execute("DELETE FROM outbox_installation")
    second = Installation(box.backend).identity.installation
    assert first != second
    assert migrated.count("outbox_installation") == 1
