"""Lists and counts: newest first, in pages, through filters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from outbox import DeadLetterFilter, DeadLetterScope, DeadLetterStatus
from tests.acceptance.dead_letters.office import NOON, Office, ids_of

ANY = DeadLetterFilter().any_status()


def test_an_empty_office_has_nothing_to_show(office: Office) -> None:
    assert office.letters.list() == []
    assert office.letters.count(ANY) == 0
    assert list(office.letters.pages()) == []


def test_the_newest_come_first_and_no_more_than_a_hundred(office: Office) -> None:
    ids = office.put(*[b"x"] * 120)
    assert ids_of(office.letters.list()) == ids[:-101:-1]
    assert office.letters.count() == 120


def test_a_listing_goes_on_where_the_page_before_ended(office: Office) -> None:
    ids = office.put(*[b"x"] * 7)
    page = DeadLetterFilter(limit=3)
    first = office.letters.list(page)
    office.put(b"newer")
    second = office.letters.list(page.replace(after_id=first[-1].id))
    third = office.letters.list(page.replace(after_id=second[-1].id))
    assert ids_of(first + second + third) == ids[::-1]
    assert office.letters.list(page.replace(after_id=third[-1].id)) == []
    assert [len(letters) for letters in office.letters.pages(page)] == [3, 3, 2]


def test_a_count_ignores_the_limit(office: Office) -> None:
    office.put(*[b"x"] * 5)
    assert office.letters.count(DeadLetterFilter(limit=2)) == 5


@pytest.mark.parametrize("named", [False, True], ids=["all", "named-ids"])
def test_a_status_shows_what_has_it_and_any_status_shows_everything(office: Office, named: bool) -> None:
    ids = office.every_status()
    everything = ANY.replace(ids=list(ids.values())) if named else ANY
    for status, id_ in ids.items():
        only = everything.replace(status=status)
        assert [(letter.id, letter.status) for letter in office.letters.list(only)] == [(id_, status)]
        assert office.letters.count(only) == 1
    assert ids_of(office.letters.list(everything)) == sorted(ids.values(), reverse=True)
    assert office.letters.count(everything) == 4
    assert ids_of(office.letters.list()) == [ids[DeadLetterStatus.PENDING]]


FILTERS: dict[str, Callable[[Office], DeadLetterFilter]] = {
    "partition": lambda office: DeadLetterFilter(partition_id=office.bench.ids[1]),
    "queue": lambda office: DeadLetterFilter(queue="bills"),
    "type": lambda office: DeadLetterFilter(payload_type="wanted"),
    "after": lambda office: DeadLetterFilter(failed_after=NOON + timedelta(hours=1)),
    "before": lambda office: DeadLetterFilter(failed_before=NOON - timedelta(hours=1, microseconds=-1)),
    "all": lambda office: DeadLetterFilter(queue="bills", payload_type="wanted"),
}
MATCHES = {
    "partition": {"partition"},
    "queue": {"bill", "wanted bill"},
    "type": {"wanted", "wanted bill"},
    "after": {"late"},
    "before": {"early"},
    "all": {"wanted bill"},
}


@pytest.mark.parametrize("named", [False, True], ids=["all", "named-ids"])
@pytest.mark.parametrize("kind", FILTERS)
def test_a_filter_shows_what_matches_and_counts_as_much(office: Office, kind: str, named: bool) -> None:
    office.outbox.register_queue("bills", 1)
    bills = office.database.value("SELECT id FROM outbox_partitions WHERE queue = 'bills'")
    ids = [
        *office.put(b"plain"),
        *office.put(b"partition", partition_id=office.bench.ids[1]),
        *office.put(b"bill", partition_id=bills),
        *office.put(b"wanted", payload_type="wanted"),
        *office.put(b"wanted bill", payload_type="wanted", partition_id=bills),
        *office.put(b"late", failed_at=NOON + timedelta(hours=1)),
        *office.put(b"early", failed_at=NOON - timedelta(hours=1)),
    ]
    wanted = FILTERS[kind](office)
    if named:
        wanted = wanted.replace(ids=ids)
    found = office.letters.list(wanted)
    assert {letter.payload.decode() for letter in found} == MATCHES[kind]
    assert office.letters.count(wanted) == len(found)


def test_named_ids_show_only_themselves_and_no_ids_show_nothing(office: Office) -> None:
    first, second, third = office.put(b"1", b"2", b"3")
    named = DeadLetterFilter(ids=iter([third, first, first, 10**15]))
    assert ids_of(office.letters.list(named)) == [third, first]
    assert office.letters.count(named) == 2
    assert ids_of(office.letters.list(named.replace(after_id=second))) == [first]
    assert ids_of(office.letters.list(named.replace(limit=1))) == [third]
    assert office.letters.list(DeadLetterFilter(ids=[])) == []
    assert office.letters.count(DeadLetterFilter(ids=[]).any_status()) == 0


def test_a_scope_shows_what_an_operation_on_it_would_touch(office: Office) -> None:
    ids = office.every_status()
    scope = DeadLetterScope(ids=ids.values())
    assert ids_of(office.letters.list(scope)) == [ids[DeadLetterStatus.PENDING]]
    assert office.letters.count(scope) == 1


def test_letters_whose_partition_is_gone_are_shown_all_the_same(office: Office) -> None:
    (lost,) = office.put(b"x", partition_id=10**9)
    (letter,) = office.letters.list()
    assert (letter.id, letter.queue, letter.partition) == (lost, "", -1)
    assert office.letters.requeue(DeadLetterScope()) == []
    assert office.letters.count() == 1
