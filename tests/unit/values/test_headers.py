from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.errors import InvalidHeaders
from outbox.values.bounds import LARGEST_HEADERS
from outbox.values.headers import NO_HEADERS, decode_headers, encode_headers

texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(texts, texts))
def test_headers_come_back_as_they_were(headers: dict[str, str]) -> None:
    assert decode_headers(encode_headers(headers)) == headers


@given(st.dictionaries(texts, texts, min_size=1))
def test_stored_headers_are_printable_ascii(headers: dict[str, str]) -> None:
    text = encode_headers(headers)
    assert text is not None
    assert text.isascii()
    assert "\0" not in text


def test_no_headers_are_stored_as_nothing_and_read_as_the_shared_empty_mapping() -> None:
    assert encode_headers(None) is None
    assert encode_headers({}) is None
    assert decode_headers(None) is NO_HEADERS


@pytest.mark.parametrize(
    "headers",
    [{"a": 1}, {1: "a"}, {"a": None}, {"a": {"b": "c"}}, {"a": b"b"}, [("a", "b")], "a", {"a": "\ud800"}],
)
def test_anything_but_a_flat_mapping_of_text_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidHeaders):
        encode_headers(headers)


@pytest.mark.parametrize("headers", [NO_HEADERS, decode_headers('{"a":"b"}')])
def test_headers_cannot_be_written_to(headers: dict[str, str]) -> None:
    with pytest.raises(TypeError):
        headers["x"] = "y"


@pytest.mark.parametrize(
    "headers",
    [
        {"trace": "x" * LARGEST_HEADERS},
        {"x" * LARGEST_HEADERS: ""},
        {f"name-{n}": "value" for n in range(1_000)},
        {"city": "\u00fc" * (LARGEST_HEADERS // 6)},
    ],
    ids=["a large value", "a large name", "many", "escapes"],
)
def test_headers_are_limited_by_the_bytes_they_take(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidHeaders, match=f"more than the {LARGEST_HEADERS} allowed"):
        encode_headers(headers)


def test_the_largest_headers_pass() -> None:
    text = encode_headers({"": "x" * (LARGEST_HEADERS - len('{"":""}'))})
    assert text is not None
    assert len(text) == LARGEST_HEADERS == 16_384
