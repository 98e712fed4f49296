from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox import ConfigurationError
from outbox.values.keys import MAX_KEY_BYTES, key_text


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_two_keys_are_stored_as_one_text_only_if_their_bytes_are_the_same(one: bytes, two: bytes) -> None:
    assert (key_text(one) == key_text(two)) == (one == two)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=64))
def test_a_text_and_its_bytes_are_the_same_key(text: str) -> None:
    assert key_text(text) == key_text(text.encode())


@pytest.mark.parametrize(
    ("key", "text"),
    [("Anna", "Anna"), (b"\xc3\xa9", "é"), (b"\xff", "\\xff"), ("a\0", "\\x6100"), ("\\x41", "\\x5c783431")],
)
def test_the_rule_of_the_page(key: str | bytes, text: str) -> None:
    assert key_text(key) == text


@pytest.mark.parametrize("key", ["a" * MAX_KEY_BYTES, "é" * (MAX_KEY_BYTES // 2), b"\xff" * 511])
def test_the_longest_keys_are_stored(key: str | bytes) -> None:
    text = key_text(key)
    assert text is not None
    assert len(text.encode()) == MAX_KEY_BYTES


@pytest.mark.parametrize("key", ["a" * (MAX_KEY_BYTES + 1), b"\xff" * 512])
def test_a_longer_key_is_refused(key: str | bytes) -> None:
    with pytest.raises(ConfigurationError, match="at most 1024"):
        key_text(key)
