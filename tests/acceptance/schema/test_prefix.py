from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest

import outbox
from outbox import InvalidTablePrefix, Outbox, OutboxMessage
from outbox.statements.tables import TABLES
from outbox.testing import drain
from tests.acceptance.schema.shape import tables
from tests.support import Database

LONGEST = "p" * 36
LIMITS = {"postgresql": 63, "mysql": 64, "mariadb": 64, "sqlite": 1000}
BAD: list[Any] = [
    "",
    "p" * 37,
    "1shop",
    "_shop",
    "sh'op",
    'sh"op',
    "sh`op",
    "sh op",
    "shop;",
    "shop--",
    "shöp",
    "shop\n",
    "a.b",
    None,
]


@pytest.mark.parametrize("prefix", [LONGEST, "Shop_2", "a"])
def test_a_good_prefix_works_through_all_stages(database: Database, prefix: str) -> None:
    outbox.migrate(database.url, prefix=prefix)
    seen: list[bytes] = []

    def handler(msg: OutboxMessage) -> outbox.Reject | None:
        seen.append(msg.payload)
        return outbox.Reject("bad") if msg.payload == b"bad" else None

    builder = Outbox.builder(database.url).table_prefix(prefix).queue("orders", 1).leased(handler)
    with builder.open() as opened:
        opened.enqueue_now("orders", b"good")
        opened.enqueue_now("orders", b"bad")
        counts = drain(opened)
    assert seen == [b"good", b"bad"]
    assert (counts.dead_lettered, counts.left, database.count(f"{prefix}_body")) == (1, 0, 0)
    outbox.rollback(database.url, prefix=prefix)
    assert tables(database) == set()


def test_the_longest_prefix_makes_no_name_too_long(backend: str) -> None:
    text = "".join(step.up for step in outbox.migrations(backend, prefix=LONGEST))
    names = set(re.findall(rf"{LONGEST}\w*", text))
    assert len(names) >= 9
    assert max(map(len, names)) <= LIMITS[backend]


def test_longest_prefixes_that_differ_at_the_end_do_not_meet(database: Database) -> None:
    for end in "ab":
        outbox.migrate(database.url, prefix=LONGEST[:-1] + end)
    assert len(tables(database)) == 2 * len(TABLES)
    outbox.rollback(database.url, prefix=LONGEST[:-1] + "a")
    assert {name[35] for name in tables(database)} == {"b"}


def test_a_bad_prefix_is_refused_wherever_it_is_given(database: Database) -> None:
    entrances: list[Callable[[str], object]] = [
        lambda prefix: outbox.migrate(database.url, prefix=prefix),
        lambda prefix: outbox.rollback(database.url, prefix=prefix),
        lambda prefix: outbox.migrations(database.backend, prefix=prefix),
        lambda prefix: Outbox.builder(database.url).table_prefix(prefix),
    ]
    for prefix, enter in itertools.product(BAD, entrances):
        with pytest.raises(InvalidTablePrefix) as caught:
            enter(prefix)
        assert caught.value.prefix == prefix
    assert tables(database) == set()
