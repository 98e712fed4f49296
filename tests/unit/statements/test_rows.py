from __future__ import annotations

import sqlite3
from typing import NamedTuple

import pytest

from outbox.errors import OutboxError
from outbox.statements import Rows, Statement


class Message(NamedTuple):
    seq: int
    payload: bytes


class Lone(NamedTuple):
    seq: int


ROWS = Rows(("partition_id", "payload", "size", "seq"), [(7, b"a", 1, 1), (7, b"bb", 2, 2)])


def test_a_record_takes_its_columns_by_name_wherever_they_stand() -> None:
    assert ROWS.read(Message) == [Message(1, b"a"), Message(2, b"bb")]
    assert Rows(("seq", "payload"), [(1, b"a")]).read(Message) == [Message(1, b"a")]
    assert ROWS.read(Lone) == [Lone(1), Lone(2)]


def test_neighbours_and_strangers_are_taken_alike() -> None:
    neighbours, strangers = ROWS.getter("payload", "size"), ROWS.getter("seq", "partition_id")
    assert [(neighbours(row), strangers(row)) for row in ROWS] == [((b"a", 1), (1, 7)), ((b"bb", 2), (2, 7))]


def test_a_column_that_the_statement_does_not_return_is_named() -> None:
    with pytest.raises(OutboxError, match="was to return sequence, and returned partition_id, payload"):
        ROWS.getter("seq", "sequence")


def test_single_columns_and_pairs_are_read_by_name_too() -> None:
    assert ROWS.mapping("seq", "payload") == {1: b"a", 2: b"bb"}
    assert [row.size for row in ROWS.named()] == [1, 2]
    assert Rows(("name",), [("a",), ("b",)]).values() == ["a", "b"]
    assert Rows(("n",), [(3,)]).value() == 3


def test_a_statement_reads_the_names_of_its_columns_off_the_cursor() -> None:
    statement = Statement("s", ":many", "SELECT 1 AS seq, x'61' AS payload")
    connection = sqlite3.connect(":memory:")
    for _ in range(2):
        assert statement.fetch(connection.execute(statement.named)).read(Message) == [Message(1, b"a")]
    assert len(Statement("e", ":exec", "SELECT 1").fetch(connection.execute("SELECT 1"))) == 0
    connection.close()
