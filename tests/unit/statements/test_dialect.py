"""How values travel."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from outbox.statements.dialect import DIALECTS, MYSQL, POSTGRESQL, decode_text, decode_time, encode_time

TEXT = "\N{SNOWMAN} \N{ROCKET} 'quoted' \\n"


def test_a_list_is_one_text_in_the_form_that_its_database_reads() -> None:
    written = {name: dialect.integers([3, 2**62]) for name, dialect in DIALECTS.items()}
    assert written == {
        "postgresql": "{3,4611686018427387904}",
        "mysql": "[3,4611686018427387904]",
        "sqlite": "[3,4611686018427387904]",
    }
    assert POSTGRESQL.floats([0.5, 1e-9]) == "{0.5,1e-09}"


@pytest.mark.parametrize("name", DIALECTS)
def test_rows_travel_as_plain_ascii(name: str) -> None:
    written = DIALECTS[name].records([(1, TEXT), (2, None)])
    assert written.isascii()
    assert written.endswith(",[2,null]]")


def test_on_mysql_texts_and_bytes_are_digits() -> None:
    assert bytes.fromhex(MYSQL.encode_text(TEXT)).decode() == TEXT
    assert MYSQL.encode_text(None) is None
    assert MYSQL.encode_bytes(b"\x00\xff") == "00ff"


@pytest.mark.parametrize("name", ["postgresql", "sqlite"])
def test_elsewhere_they_are_what_they_are(name: str) -> None:
    assert DIALECTS[name].encode_text(TEXT) == TEXT
    assert DIALECTS[name].encode_bytes(b"\x00\xff") == b"\x00\xff"


def test_a_text_may_come_as_bytes() -> None:
    found = [decode_text(value) for value in ("a", TEXT.encode(), bytearray(b"b"), None)]
    assert found == ["a", TEXT, "b", None]


def test_times_are_exact_to_the_microsecond_far_beyond_what_a_float_holds() -> None:
    time = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=11)))
    micros = encode_time(time)
    assert decode_time(micros) == time
    assert decode_time(str(micros)) == time
    assert encode_time(None) is None
    assert decode_time(None) is None
