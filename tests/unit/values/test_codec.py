"""What the JSON codec writes beside what JSON has."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from outbox import ConfigurationError, InvalidPayload, InvalidPayloadType, JsonCodec, Outbox
from outbox.values.codec import encode_with


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Line:
    what: str
    price: Decimal


@dataclass(frozen=True)
class Order:
    at: datetime
    lines: list[Line]


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (datetime(2026, 11, 29, 8, 30, tzinfo=timezone(timedelta(hours=1))), '"2026-11-29T08:30:00+01:00"'),
        (datetime(2026, 11, 29, 8, 30, 0, 5), '"2026-11-29T08:30:00.000005"'),  # noqa: DTZ001
        (date(2026, 11, 29), '"2026-11-29"'),
        (time(8, 30), '"08:30:00"'),
        (Decimal("1.10"), '"1.10"'),
        (UUID(int=7), '"00000000-0000-0000-0000-000000000007"'),
        (Colour.RED, '"red"'),
        ({"a": [Colour.RED, None]}, '{"a":["red",null]}'),
        (
            Order(datetime(2026, 1, 1, tzinfo=timezone.utc), [Line("tea", Decimal(2))]),
            '{"at":"2026-01-01T00:00:00+00:00","lines":[{"what":"tea","price":"2"}]}',
        ),
    ],
)
def test_it_writes_what_people_put_into_messages(value: object, json: str) -> None:
    assert JsonCodec().encode(value) == (json.encode(), "application/json")


@pytest.mark.parametrize("value", [object(), {1, 2}, Order, float("nan"), "\ud800"])
def test_it_refuses_what_it_cannot_write(value: object) -> None:
    with pytest.raises(InvalidPayload):
        JsonCodec().encode(value)


def test_it_reads_by_the_type() -> None:
    codec = JsonCodec()
    for kind in ("application/json", "application/JSON; model=X", "application/cloudevents+json"):
        assert codec.decode(b"[1]", kind) == [1]
    assert codec.decode(b"hi", "text/plain; charset=utf-8") == "hi"
    assert codec.decode(b"\xff", "image/png") == b"\xff"


class Shouting:
    """A codec as a user writes one."""

    owns_type = False

    def encode(self, value: object) -> tuple[bytes, str]:
        return str(value).upper().encode(), "text/x-loud"

    def decode(self, data: bytes, payload_type: str) -> object:
        return f"{payload_type}: {data.decode()}"


def test_a_producer_may_give_the_type_unless_the_codec_needs_its_own() -> None:
    codec = Shouting()
    assert encode_with(codec, "a", None) == (b"A", "text/x-loud")
    assert encode_with(codec, "a", "text/plain") == (b"A", "text/plain")
    with pytest.raises(InvalidPayloadType):
        encode_with(codec, "a", "\n")
    codec.owns_type = True
    with pytest.raises(ConfigurationError, match="Shouting writes the type itself"):
        encode_with(codec, "a", "text/plain")


def test_what_is_no_codec_is_refused() -> None:
    for wrong in (None, JsonCodec, object()):
        with pytest.raises(ConfigurationError, match="encode"):
            Outbox.builder("sqlite:///x.db").codec(wrong)  # type: ignore[arg-type]
