from __future__ import annotations

import pytest

from outbox.errors import OutboxError
from outbox.statements import Statement
from outbox.statements.catalog import parse


def statement(sql: str, kind: str = ":many") -> Statement:
    return Statement("s", kind, sql)


def test_parameters_are_found_once_each_in_order_of_first_use() -> None:
    assert statement("SELECT :b, :a, :b").parameters == ("b", "a")


@pytest.mark.parametrize(
    "text",
    ["x::bigint", "':07:30'", '"a:b"', "`a:b`", "-- a :comment\n", "/* a :comment */", "'it''s 12:30'"],
)
def test_what_only_looks_like_a_parameter_is_left_alone(text: str) -> None:
    assert statement(f"SELECT {text} FROM t").parameters == ()


def test_a_parameter_inside_a_literal_is_refused() -> None:
    with pytest.raises(OutboxError, match="inside a quoted literal"):
        statement("SELECT 'hello :name'")


def test_pyformat_doubles_percent_signs_and_keeps_casts() -> None:
    built = statement("SELECT :a::bigint % 7 -- 100 % :b\n").pyformat
    assert built == "SELECT %(a)s::bigint %% 7"


def test_the_binary_form_differs_in_its_placeholders_alone() -> None:
    built = statement("SELECT :a::bigint % 7 -- 100 % :b\n").pyformat_binary
    assert built == "SELECT %(a)b::bigint %% 7"


def test_what_travels_has_neither_comments_nor_line_breaks() -> None:
    assert statement("SELECT 1, -- why\n  2 /* how */").compact == "SELECT 1, 2"


def test_a_row_of_values_is_repeated_with_positional_placeholders() -> None:
    insert = statement("INSERT INTO t (a, b) VALUES (:a, unhex(:b))", ":values")
    assert insert.row_parameters == ("a", "b")
    assert insert.repeated(2, "%s") == "INSERT INTO t (a, b) VALUES (%s, unhex(%s)), (%s, unhex(%s))"


def test_only_a_statement_of_values_can_be_repeated() -> None:
    with pytest.raises(OutboxError, match="no :values statement"):
        statement("SELECT :a").repeated(2, "?")


def test_a_file_is_split_at_its_name_lines_and_loses_its_semicolons() -> None:
    first, second = parse(
        "-- about\n\n-- name: a :one\nSELECT 1;\n\n-- name: b :exec\n-- why\nSELECT 2;\n", "f"
    )
    assert (first.name, first.kind, first.sql) == ("a", ":one", "SELECT 1")
    assert second.compact == "SELECT 2"


@pytest.mark.parametrize(
    ("text", "problem"), [("SELECT 1", "no '-- name"), ("-- name: a :few\nSELECT 1", "unknown kind :few")]
)
def test_a_file_that_breaks_the_form_is_refused(text: str, problem: str) -> None:
    with pytest.raises(OutboxError, match=problem):
        parse(text, "f")
