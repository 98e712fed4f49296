from __future__ import annotations

import array
import json
from collections.abc import Callable
from typing import Any

import pytest

from outbox import InvalidHeaders, InvalidPayload, InvalidPayloadType, Outbox, PayloadTooLarge
from tests.acceptance.enqueue.support import QUEUE, assert_nothing_written, deliver
from tests.support import Database

KIB_64 = 65_536
EVERY_BYTE = bytes(range(256)) * 3 + b"\0'\"\\%s%(name)s:name\n"
JSON_VALUES: list[Any] = [
    {
        "name": "Zażółć gęślą jaźń",
        "emoji": "🎉",
        "nul": "\0",
        "quote": "'\"\\",
        "nested": [{"a": [1, 2.5, None, True]}],
    },
    "日本語",
    "",
    [],
    {},
    None,
    False,
    0,
    2**80,
    -0.1,
]


def test_json_arrives_as_it_was_given(outbox: Outbox, tables: Database) -> None:
    for value in JSON_VALUES:
        outbox.enqueue_now(QUEUE, value, partition=0)
    received = deliver(tables)
    assert [msg.json() for msg in received] == JSON_VALUES
    assert {msg.payload_type for msg in received} == {"application/json"}
    assert [msg.payload for msg in received] == [
        json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() for value in JSON_VALUES
    ]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_arrive_untouched(outbox: Outbox, tables: Database, kind: Callable[[bytes], Any]) -> None:
    outbox.enqueue_now(QUEUE, kind(EVERY_BYTE))
    outbox.enqueue_now(QUEUE, kind(b""))
    received = {msg.payload: msg.payload_type for msg in deliver(tables)}
    assert received == {EVERY_BYTE: "application/octet-stream", b"": "application/octet-stream"}


def test_a_view_of_numbers_is_measured_in_bytes(outbox: Outbox, tables: Database) -> None:
    with pytest.raises(PayloadTooLarge) as caught:
        outbox.enqueue_now(QUEUE, memoryview(array.array("q", [0] * (KIB_64 // 8 + 1))))
    assert caught.value.size == KIB_64 + 8
    assert_nothing_written(tables)


UNSPEAKABLE: list[Any] = [
    {1, 2},
    object(),
    float("nan"),
    [float("inf")],
    {"a": b"bytes"},
    {(1, 2): 3},
    "\ud800",
    {"a": ["\udfff"]},
]


def test_what_json_cannot_carry_is_refused_without_being_shown(outbox: Outbox, tables: Database) -> None:
    for payload in UNSPEAKABLE:
        with pytest.raises(InvalidPayload) as caught:
            outbox.enqueue_now(QUEUE, payload)
        assert caught.value.payload_kind == type(payload).__name__
        assert caught.value.payload_kind in str(caught.value)
        assert "\n" not in str(caught.value)
    assert_nothing_written(tables)


def test_a_circle_is_refused(outbox: Outbox, tables: Database) -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(InvalidPayload, match="list"):
        outbox.enqueue_now(QUEUE, circle)
    assert_nothing_written(tables)


def test_64_kib_are_accepted_and_arrive_and_one_byte_more_is_refused(
    outbox: Outbox, tables: Database
) -> None:
    largest = b"\xff" * KIB_64
    outbox.enqueue_now(QUEUE, largest)
    with pytest.raises(PayloadTooLarge) as caught:
        outbox.enqueue_now(QUEUE, largest + b"x")
    assert (caught.value.size, caught.value.max) == (KIB_64 + 1, KIB_64)
    assert "max_payload_size()" in str(caught.value)
    assert [msg.payload for msg in deliver(tables)] == [largest]


def test_json_is_measured_as_utf_8_bytes(outbox: Outbox, tables: Database) -> None:
    # Two quotes and two bytes a character.
    outbox.enqueue_now(QUEUE, "é" * ((KIB_64 - 2) // 2))
    with pytest.raises(PayloadTooLarge) as caught:
        outbox.enqueue_now(QUEUE, "é" * (KIB_64 // 2))
    assert caught.value.size == KIB_64 + 2


@pytest.mark.parametrize("limit", [1, 10, 2_000_000])
def test_the_limit_is_the_builders(tables: Database, limit: int) -> None:
    builder = Outbox.builder(tables.url).max_payload_size(limit).queue(QUEUE, 4).enqueue_only()
    with builder.open() as outbox:
        outbox.enqueue_now(QUEUE, b"x" * limit)
        with pytest.raises(PayloadTooLarge) as caught:
            outbox.enqueue_now(QUEUE, b"x" * (limit + 1))
    assert caught.value.max == limit
    assert [len(msg.payload) for msg in deliver(tables)] == [limit]


HEADERS = {"trace": "00-ab-cd", "": "", "naïve": "żółć 🎉 \0 '\"\\ %s :x", "long": "x" * 5000}


def test_headers_arrive_as_they_were_given(outbox: Outbox, tables: Database) -> None:
    outbox.enqueue_now(QUEUE, b"", headers=HEADERS, partition=0)
    outbox.enqueue_now(QUEUE, b"", headers={}, partition=0)
    outbox.enqueue_now(QUEUE, b"", partition=0)
    assert [dict(msg.headers) for msg in deliver(tables)] == [HEADERS, {}, {}]


NO_HEADERS: list[Any] = [
    {"a": 1},
    {1: "a"},
    {"a": None},
    {"a": {"b": "c"}},
    {"a": b"b"},
    [("a", "b")],
    "a=b",
    {"a": "\ud800"},
]


def test_headers_that_are_no_flat_texts_are_refused(outbox: Outbox, tables: Database) -> None:
    for headers in NO_HEADERS:
        with pytest.raises(InvalidHeaders, match="flat mapping of str to str"):
            outbox.enqueue_now(QUEUE, b"", headers=headers)
    assert_nothing_written(tables)


def test_payload_types_arrive_as_they_were_given(outbox: Outbox, tables: Database) -> None:
    types = ["a", " ", "application/vnd.shop+json; v=2", "Order", "order", "x" * 1024, "it's %s \\ :a"]
    for payload_type in types:
        outbox.enqueue_now(QUEUE, {}, payload_type=payload_type, partition=0)
    assert [msg.payload_type for msg in deliver(tables)] == types


NO_TYPES: list[Any] = ["", "x" * 1025, "a\0", "a\n", "\x1b[31m", "\x7f", "örder", b"a", 7]


def test_a_bad_payload_type_is_refused(outbox: Outbox, tables: Database) -> None:
    for payload_type in NO_TYPES:
        with pytest.raises(InvalidPayloadType) as caught:
            outbox.enqueue_now(QUEUE, b"", payload_type=payload_type)
        assert caught.value.payload_type == payload_type
        assert len(str(caught.value)) < 400
    assert_nothing_written(tables)
