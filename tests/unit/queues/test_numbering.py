"""Which partitions of two generations may have the same keys, and where a key belongs."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from outbox import Partitions
from outbox.queues.numbering import Numbering, index_of
from outbox.values.keys import key_text

COUNTS = st.sampled_from([1, 2, 4, 8, 16, 32, 64])


def rows(*counts: int) -> list[tuple[object, ...]]:
    """Return rows of ``numbering`` for a queue that had these numbers of partitions, the last one now."""
    ids = itertools.count(1)
    generations = [(resize % len(counts), count) for resize, count in enumerate(counts, 1)]
    found = [
        ("orders", next(ids), 64 * resize + n, 0, True, False)
        for resize, count in generations
        for n in range(count)
    ]
    return sorted(found, key=lambda row: int(str(row[2])))


@given(old=COUNTS, new=COUNTS, key=st.one_of(st.text(max_size=9), st.binary(max_size=9)))
def test_a_keys_old_partition_is_among_those_that_its_new_one_waits_for(
    old: int, new: int, key: str | bytes
) -> None:
    numbering = Numbering.of(rows(old, new))
    assert numbering is not None
    text = key_text(key)
    before, now = (index_of(text, count) for count in (old, new))
    assert (before, now) == (Partitions.of(old).for_key(key), Partitions.of(new).for_key(key))
    place = numbering.current[now]
    assert before in {other.position for other in numbering.before(1, place)}
    assert numbering.target(text, before) == place.partition_id


def test_what_has_no_key_stays_at_its_index_or_goes_to_the_index_modulo_the_number() -> None:
    grown, shrunk = Numbering.of(rows(4, 16)), Numbering.of(rows(16, 4))
    assert grown is not None
    assert shrunk is not None
    assert grown.target(None, 3) == grown.current[3].partition_id
    assert shrunk.target(None, 9) == shrunk.current[1].partition_id


def test_generations_come_oldest_first_with_those_of_today_at_the_end() -> None:
    numbering = Numbering.of(rows(2, 4, 1))
    assert numbering is not None
    assert [len(places) for places in numbering.generations] == [2, 4, 1]
    assert (numbering.resizes, len(numbering.retired), numbering.waiting) == (2, 6, False)
    assert Numbering.of([]) is None
