from __future__ import annotations

import pytest

from outbox.errors import InvalidTablePrefix, OutboxError
from outbox.statements import Naming
from outbox.statements.tables import NAMES, TABLES

LONGEST_IDENTIFIER = 63


def test_default_names_are_replaced_as_whole_words() -> None:
    sql = "SELECT outbox_body.id, my_outbox_body FROM outbox_body"
    assert Naming("shop").render(sql) == "SELECT shop_body.id, my_outbox_body FROM shop_body"


def test_a_schema_qualifies_tables_but_not_the_names_beside_them() -> None:
    sql = "CREATE INDEX outbox_dead_letters_listed ON outbox_dead_letters (id)"
    rendered = Naming("shop", "app").render(sql)
    assert rendered == 'CREATE INDEX shop_dead_letters_listed ON "app".shop_dead_letters (id)'


def test_a_name_that_is_not_in_the_list_is_an_error() -> None:
    with pytest.raises(OutboxError, match="outbox_bodies"):
        Naming().render("SELECT 1 FROM outbox_bodies")


@pytest.mark.parametrize("name", sorted(TABLES | NAMES))
def test_no_name_outgrows_the_shortest_limit_under_the_longest_prefix(name: str) -> None:
    prefix = "p" * 36
    assert len(Naming(prefix).render(f"outbox_{name}")) <= LONGEST_IDENTIFIER


def test_a_bad_prefix_or_schema_is_refused() -> None:
    with pytest.raises(InvalidTablePrefix):
        Naming("1shop")
    with pytest.raises(OutboxError, match="plain identifier"):
        Naming("shop", 'app"; DROP')
