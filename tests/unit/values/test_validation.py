from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.errors import InvalidPayloadType, InvalidQueueName, InvalidTablePrefix
from outbox.values.validation import validate_payload_type, validate_prefix, validate_queue


@pytest.mark.parametrize("name", ["a", "7", "orders", "Orders.v2", "a-b_c.d", "a" * 1024, "a..b"])
def test_queue_names_within_the_rules_pass(name: str) -> None:
    assert validate_queue(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a" * 1025,
        ".a",
        "a.",
        "-a",
        "a-",
        "_a",
        "a_",
        "a\0b",
        "a b",
        "a/b",
        "ä",
        "a\n",
        "٣",
        ".",
        b"a",
        None,
        7,
    ],
)
def test_queue_names_against_the_rules_are_refused(name: str) -> None:
    with pytest.raises(InvalidQueueName) as caught:
        validate_queue(name)
    assert caught.value.name == name


@given(st.text(max_size=30))
def test_the_queue_name_rule_is_what_it_says(name: str) -> None:
    expected = bool(re.fullmatch(r"[A-Za-z0-9._-]+", name)) and all(
        end.isalnum() for end in (name[0], name[-1])
    )
    try:
        assert validate_queue(name) == name
    except InvalidQueueName:
        assert not expected
    else:
        assert expected


@pytest.mark.parametrize("payload_type", ["a", "application/json; charset=utf-8", " ", "~" * 1024])
def test_printable_ascii_is_a_payload_type(payload_type: str) -> None:
    assert validate_payload_type(payload_type) == payload_type


@pytest.mark.parametrize("payload_type", ["", "a" * 1025, "a\0", "a\n", "\x1b", "\x7f", "ä", b"a", None])
def test_other_payload_types_are_refused(payload_type: str) -> None:
    with pytest.raises(InvalidPayloadType) as caught:
        validate_payload_type(payload_type)
    assert caught.value.payload_type == payload_type


@pytest.mark.parametrize("prefix", ["outbox", "a", "A_1", "a" * 36])
def test_a_letter_then_letters_digits_and_underscores_is_a_prefix(prefix: str) -> None:
    assert validate_prefix(prefix) == prefix


@pytest.mark.parametrize("prefix", ["", "1a", "_a", "a-b", "a b", "a;drop", 'a"', "ä", "a\n", "a" * 37, None])
def test_other_prefixes_are_refused(prefix: str) -> None:
    with pytest.raises(InvalidTablePrefix) as caught:
        validate_prefix(prefix)
    assert caught.value.prefix == prefix
