"""The shapes of what is sent, CloudEvents checked by its own SDK."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest
from cloudevents.core.bindings import http
from cloudevents.core.formats.json import JSONFormat

from outbox import ConfigurationError
from outbox.contrib.relays import CloudEvents, DebeziumEvent, Raw
from outbox.contrib.relays.outgoing import visible
from tests.contrib.relays.batches import make_message


def test_raw_is_the_payload_with_its_type() -> None:
    wrapped = Raw().wrap(make_message(1, b"\x00\xff"), "Anna")
    assert (wrapped.body, wrapped.content_type) == (b"\x00\xff", "application/json")
    assert not wrapped.headers
    assert not wrapped.attributes


def test_a_binary_cloud_event_keeps_the_payload_and_has_its_attributes_beside_it() -> None:
    wrapped = CloudEvents("/shop", type="order.placed").wrap(make_message(1, b'{"id": 7}'), "Anna")
    headers = {f"ce-{name}": visible(value) for name, value in wrapped.attributes.items()}
    message = http.HTTPMessage({**headers, "content-type": wrapped.content_type}, wrapped.body)
    event = http.from_binary(message, JSONFormat())
    assert event.get_source() == "/shop"
    assert event.get_type() == "order.placed"
    assert event.get_time() == datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
    assert event.get_extension("partitionkey") == "Anna"
    assert event.get_data() == {"id": 7}


@pytest.mark.parametrize(
    ("payload", "kind"), [(b'{"id": 7}', "application/json"), (b"\x00\xff", "image/png")]
)
def test_a_structured_cloud_event_holds_everything(payload: bytes, kind: str) -> None:
    message = make_message(5, payload, payload_type=kind)
    wrapped = CloudEvents("/shop", structured=True).wrap(message, None)
    assert wrapped.content_type == "application/cloudevents+json"
    sent = http.HTTPMessage({"content-type": wrapped.content_type}, wrapped.body)
    event = http.from_structured(sent, JSONFormat())
    assert event.get_type() == "orders"
    assert event.get_datacontenttype() == kind
    assert event.get_data() == ({"id": 7} if kind == "application/json" else payload)
    assert event.get_extension("outboxseq") == "5"
    assert event.get_extension("partitionkey") is None


def test_the_type_of_an_event_may_depend_on_the_message() -> None:
    envelope = CloudEvents("/shop", type=lambda message: f"v{message.seq}")
    assert envelope.wrap(make_message(3), None).attributes["type"] == "v3"


def test_a_cloud_event_needs_a_source() -> None:
    with pytest.raises(ConfigurationError, match="source"):
        CloudEvents("")


def test_two_messages_have_two_ids_and_one_message_has_one() -> None:
    envelope = CloudEvents("/shop")
    first, again, other = (envelope.wrap(make_message(seq), None).attributes["id"] for seq in (1, 1, 2))
    assert first == again != other


def test_debeziums_shape_is_the_payload_and_the_headers_of_its_event_router() -> None:
    wrapped = DebeziumEvent(aggregate="order", type="OrderPlaced").wrap(make_message(1, b'{"id": 7}'), "Anna")
    assert json.loads(wrapped.body) == {"id": 7}
    assert wrapped.headers["aggregatetype"] == "order"
    assert wrapped.headers["eventType"] == "OrderPlaced"
    assert wrapped.headers["id"]
