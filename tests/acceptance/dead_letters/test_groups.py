"""Letters by what they failed of, and a rehearsal of the repair."""

from __future__ import annotations

from typing import Any

import pytest

from outbox import ConfigurationError, DeadLetterFilter, DeadLetterScope, OutboxMessage, Reject, Retry
from outbox.values.fingerprints import fingerprint
from tests.acceptance.bench.bench import Bench
from tests.acceptance.dead_letters.office import NOON, Office


def charge(payload: bytes) -> None:
    if payload.startswith(b"broke"):
        raise ValueError(f"no money: {payload!r}")


def handle(msg: OutboxMessage) -> None:
    if msg.payload.startswith(b"unknown"):
        raise Reject(f"currency {msg.payload.decode()!r} is not known, code {msg.seq}")
    charge(msg.payload)


def in_transaction(conn: object, msg: OutboxMessage) -> None:
    handle(msg)


BROKE = f"ValueError in {__name__}.charge"
UNKNOWN = "currency # is not known, code #"


@pytest.mark.parametrize("mode", ["leased", "transactional"])
def test_letters_that_failed_alike_are_one_group(bench: Bench, mode: str) -> None:
    given: Any = handle if mode == "leased" else in_transaction
    hands = bench.by_hand(lambda queue: getattr(queue, mode)(given, max_attempts=1))
    bench.send(b"broke 1", b"unknown 1", b"fine", b"broke 2", b"broke 3")

    hands.work()
    letters = bench.producer.dead_letters
    groups = letters.groups()

    assert [(group.fingerprint, group.count) for group in groups] == [(BROKE, 3), (UNKNOWN, 1)]
    newest = letters.list(DeadLetterFilter(group=BROKE))[0]
    assert (newest.id, newest.failed_at) == (groups[0].example, groups[0].last_failed_at)
    assert groups[0].first_failed_at <= groups[0].last_failed_at
    assert letters.count(DeadLetterFilter(group=UNKNOWN)) == 1
    assert letters.discard(DeadLetterScope(group=UNKNOWN)) == 1
    assert [group.fingerprint for group in letters.groups()] == [BROKE]


def test_a_rejection_changes_the_group_and_keeps_the_first_failure(office: Office) -> None:
    office.put(b"a")
    [letter] = office.letters.replay()
    assert letter.group == ""

    office.letters.reject([letter], KeyError("name"))

    [again] = office.letters.list()
    assert (again.group, again.last_error) == ("KeyError", "KeyError: 'name'")
    assert again.first_failed_at == NOON
    assert again.failed_at > NOON


def test_a_replay_that_meets_a_new_kind_of_failure_stops(bench: Bench) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(handle, max_attempts=1))
    bench.send(b"broke 1", b"broke 2", b"broke 3")
    hands.work()

    def repaired(msg: OutboxMessage) -> None:
        if msg.payload == b"broke 2":
            raise LookupError("something else")
        if msg.payload == b"broke 3":
            charge(msg.payload)

    done = bench.producer.dead_letters.replay_with(repaired, stop_at_new=True)

    assert (done.resolved, done.rejected, done.skipped) == (1, 1, 0)
    assert done.stopped_at is not None
    assert done.stopped_at.startswith("LookupError in ")
    assert bench.producer.dead_letters.count() == 2, "nothing stays claimed"


def test_a_rehearsal_tells_what_would_pass_and_leaves_nothing_behind(bench: Bench) -> None:
    bench.database.execute("CREATE TABLE effects (n INTEGER)")
    hands = bench.by_hand(lambda queue: queue.leased(handle, max_attempts=1))
    bench.send(b"broke 1", b"unknown 1", b"broke 2")
    hands.work()

    def repaired(conn: Any, msg: OutboxMessage) -> Retry | None:
        cursor = conn.cursor()
        cursor.execute("INSERT INTO effects (n) VALUES (1)")
        return Retry("still closed") if msg.payload == b"broke 2" else None

    report = bench.producer.dead_letters.rehearse(DeadLetterScope(limit=10), repaired)

    assert [str(group) for group in report] == [
        f"{BROKE}: 1 would pass, 1 fail (1 of still closed)",
        f"{UNKNOWN}: 1 would pass, 0 fail",
    ]
    assert bench.database.count("effects") == 0
    assert {letter.attempts for letter in bench.producer.dead_letters.list()} == {1}
    with pytest.raises(ConfigurationError):
        bench.producer.dead_letters.rehearse(None, handle)


def test_reasons_that_differ_in_numbers_and_quotes_are_of_one_kind() -> None:
    assert fingerprint("no stock of 'A17', 3 left\nsecond line") == "no stock of #, # left"
    assert fingerprint("given up after 5 failed deliveries; last error: ValueError: 7") == "ValueError: #"
    assert len(fingerprint("x" * 5000)) <= 255
