from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.errors import InvalidPayload, InvalidPayloadType, PayloadTooLarge
from outbox.values.payloads import check_size, encode

texts = st.text(st.characters(exclude_categories=["Cs"]))
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
documents = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=10)


@pytest.mark.parametrize("payload", [b"", b"\0\xff{}", bytearray(b"ab"), memoryview(b"abcd")[::2]])
def test_bytes_pass_untouched(payload: bytes) -> None:
    assert encode(payload) == (bytes(payload), "application/octet-stream")


@given(documents)
def test_what_json_can_carry_comes_back_as_it_was(document: Any) -> None:
    data, payload_type = encode(document)
    assert payload_type == "application/json"
    assert json.loads(data) == document


@pytest.mark.parametrize(
    ("payload", "data"),
    [
        ({"id": 7, "lines": [1, 2]}, b'{"id":7,"lines":[1,2]}'),
        ("Zürich", '"Zürich"'.encode()),
        (None, b"null"),
        ((1, 2), b"[1,2]"),
    ],
)
def test_json_is_compact_utf_8(payload: object, data: bytes) -> None:
    assert encode(payload)[0] == data


def test_a_given_payload_type_is_kept_for_both_kinds() -> None:
    assert encode(b"x", "image/png") == (b"x", "image/png")
    assert encode({}, "order.created") == (b"{}", "order.created")
    with pytest.raises(InvalidPayloadType):
        encode({}, "")


def circular() -> list[object]:
    ring: list[object] = []
    ring.append(ring)
    return ring


def deep() -> list[object]:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    "payload",
    [{1, 2}, object(), {"a": b"b"}, math.nan, [math.inf], {(1, 2): 3}, "\ud800", {"a": "\udfff"}],
    ids=lambda payload: type(payload).__name__,
)
def test_what_json_cannot_carry_is_refused_by_its_type(payload: object) -> None:
    with pytest.raises(InvalidPayload) as caught:
        encode(payload)
    assert caught.value.payload_kind == type(payload).__name__
    assert isinstance(caught.value, TypeError)


def test_what_has_no_end_is_refused() -> None:
    with pytest.raises(InvalidPayload, match=r"[Cc]ircular"):
        encode(circular())
    with pytest.raises(InvalidPayload):
        encode(deep())


def test_the_size_limit_is_inclusive() -> None:
    check_size(b"x" * 65_536, 65_536)
    with pytest.raises(PayloadTooLarge) as caught:
        check_size(b"x" * 65_537, 65_536)
    assert (caught.value.size, caught.value.max) == (65_537, 65_536)
