"""A webhook endpoint that is well, ill, slow, or not what it seems."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from outbox import ConfigurationError, Retry
from outbox.contrib.relays import CloudEvents, Route, WebhookRelay
from tests.contrib.relays.batches import make_batch
from tests.contrib.relays.endpoint import Endpoint, Reply

RelayTo = Callable[..., WebhookRelay]
SECRETS = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + base64.b64encode(b"another one").decode()]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


@pytest.fixture
def relay_to() -> Iterator[RelayTo]:
    made: list[WebhookRelay] = []

    def make(endpoint: Endpoint, **options: Any) -> WebhookRelay:
        made.append(WebhookRelay(endpoint.url, **{"allow_private": True, **options}))
        return made[-1]

    yield make
    for relay in made:
        relay.close()


def test_messages_are_posted_in_order_over_one_connection(endpoint: Endpoint, relay_to: RelayTo) -> None:
    batch = make_batch(b"1", b"2", b"3")
    assert relay_to(endpoint)(batch) is None
    assert batch.processed == 3
    assert [request.body for request in endpoint.received] == [b"1", b"2", b"3"]
    assert len({request.client for request in endpoint.received}) == 1
    request = endpoint.received[0]
    assert request.path == "/hooks?tenant=a"
    assert request.headers["host"] == f"127.0.0.1:{endpoint.port}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["tenant"] == "a"


def test_every_secret_signs_the_request(endpoint: Endpoint, relay_to: RelayTo) -> None:
    assert relay_to(endpoint, secrets=SECRETS)(make_batch(b'{"id": 7}')) is None
    headers = endpoint.received[0].headers
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + b'{"id": 7}'
    expected = [
        "v1," + base64.b64encode(hmac.new(base64.b64decode(s[6:]), signed, hashlib.sha256).digest()).decode()
        for s in SECRETS
    ]
    assert headers["webhook-signature"].split(" ") == expected


def test_the_signature_is_that_of_the_standards_example() -> None:
    from outbox.contrib.relays.signature import Signer

    headers = Signer(SECRETS[:1]).headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_attempt_that_is_repeated_keeps_its_id(endpoint: Endpoint, relay_to: RelayTo) -> None:
    endpoint.replies.append(Reply(500))
    relay = relay_to(endpoint)
    assert isinstance(relay(make_batch(b"1")), Retry)
    assert relay(make_batch(b"1")) is None
    assert len({request.headers["webhook-id"] for request in endpoint.received}) == 1


@pytest.mark.parametrize(
    ("status", "counts"), [(500, True), (400, True), (404, True), (503, False), (429, False)]
)
def test_an_answer_that_is_no_success_stops_the_call(
    endpoint: Endpoint, relay_to: RelayTo, status: int, counts: bool
) -> None:
    endpoint.replies.extend([Reply(), Reply(status)])
    batch = make_batch(b"1", b"2", b"3")
    answer = relay_to(endpoint)(batch)
    assert isinstance(answer, Retry)
    assert answer.counts is counts
    assert str(status) in answer.reason
    assert batch.processed == 1
    assert len(endpoint.received) == 2


@pytest.mark.parametrize(
    ("field", "delay"), [("120", 120.0), ("soon", None), ("-5", 0.0), ("999999999", 86_400.0)]
)
def test_retry_after_is_the_delay(
    endpoint: Endpoint, relay_to: RelayTo, field: str, delay: float | None
) -> None:
    endpoint.replies.append(Reply(503, {"retry-after": field}))
    answer = relay_to(endpoint)(make_batch(b"1"))
    assert isinstance(answer, Retry)
    assert answer.delay == delay


def test_retry_after_may_be_a_date() -> None:
    from datetime import datetime, timezone

    from outbox.contrib.relays.retry_after import retry_after

    now = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
    assert retry_after("Sun, 01 Mar 2026 12:02:00 GMT", now=now) == 120.0


def test_an_endpoint_that_is_gone_gets_nothing_more_of_a_message(
    endpoint: Endpoint, relay_to: RelayTo
) -> None:
    endpoint.replies.extend([Reply(), Reply(410), Reply()])
    batch = make_batch(b"1", b"2", b"3")
    assert relay_to(endpoint)(batch) is None
    assert batch.processed == 3
    assert [position for position, _ in batch.rejected] == [1]


@pytest.mark.parametrize("drip", [0.05, 60.0])
def test_a_slow_endpoint_is_waited_for_no_longer_than_the_lease(
    endpoint: Endpoint, relay_to: RelayTo, drip: float
) -> None:
    endpoint.replies.append(Reply(drip=drip))
    batch = make_batch(b"1", b"2", within=1.0)
    began = time.monotonic()
    answer = relay_to(endpoint, timeout=30)(batch)
    assert time.monotonic() - began < 4.0
    endpoint.ended.set()
    assert isinstance(answer, Retry)
    assert not answer.counts
    assert batch.processed == 0
    assert len(endpoint.received) == 1


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(
    endpoint: Endpoint, relay_to: RelayTo
) -> None:
    relay = relay_to(endpoint)
    endpoint.replies.extend([Reply(), Reply(drop=True)])
    assert relay(make_batch(b"1")) is None
    assert relay(make_batch(b"2", first=2)) is None
    assert [request.body for request in endpoint.received] == [b"1", b"2", b"2"]


def test_an_endpoint_that_is_away_counts_as_no_attempt(endpoint: Endpoint, relay_to: RelayTo) -> None:
    endpoint.close()
    answer = relay_to(endpoint)(make_batch(b"1"))
    assert isinstance(answer, Retry)
    assert not answer.counts


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused(endpoint: Endpoint, relay_to: RelayTo, status: int) -> None:
    endpoint.replies.append(Reply(status, {"location": "/elsewhere"}))
    answer = relay_to(endpoint)(make_batch(b"1"))
    assert isinstance(answer, Retry)
    assert answer.counts
    assert "redirect" in answer.reason
    assert len(endpoint.received) == 1


def test_a_redirect_that_keeps_the_request_is_followed_where_allowed(
    endpoint: Endpoint, relay_to: RelayTo
) -> None:
    endpoint.replies.append(Reply(307, {"location": "/elsewhere"}))
    assert relay_to(endpoint, allow_redirects=True)(make_batch(b"1")) is None
    assert [request.path for request in endpoint.received] == ["/hooks?tenant=a", "/elsewhere"]
    assert endpoint.received[1].body == b"1"


def test_redirects_in_a_circle_end(endpoint: Endpoint, relay_to: RelayTo) -> None:
    endpoint.replies.extend([Reply(307, {"location": "/hooks"})] * 20)
    answer = relay_to(endpoint, allow_redirects=True)(make_batch(b"1"))
    assert isinstance(answer, Retry)
    assert len(endpoint.received) == 6


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "0.0.0.0",
    ],
)
def test_an_address_that_is_not_public_is_refused(endpoint: Endpoint, host: str) -> None:
    relay = WebhookRelay(f"http://{host}:{endpoint.port}/")
    answer = relay(make_batch(b"1"))
    assert isinstance(answer, Retry)
    assert answer.counts
    assert "not a public address" in answer.reason
    assert endpoint.received == []


def test_a_cloud_event_travels_in_the_headers_of_http(endpoint: Endpoint, relay_to: RelayTo) -> None:
    relay = relay_to(
        endpoint, envelope=CloudEvents("/shop", type="order.placed"), route=lambda _: Route(key="Zoë")
    )
    assert relay(make_batch(b'{"id": 7}')) is None
    headers = endpoint.received[0].headers
    assert headers["ce-specversion"] == "1.0"
    assert headers["ce-type"] == "order.placed"
    assert headers["ce-partitionkey"] == "Zo%C3%AB"


def test_a_message_cannot_set_how_the_request_travels(endpoint: Endpoint, relay_to: RelayTo) -> None:
    route = Route(headers={"Content-Length": "1", "Host": "elsewhere", "Transfer-Encoding": "chunked"})
    assert relay_to(endpoint, route=lambda _: route)(make_batch(b"123")) is None
    assert endpoint.received[0].body == b"123"
    assert endpoint.received[0].headers["host"].startswith("127.0.0.1")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"url": "ftp://example.com"},
        {"url": "https://"},
        {"url": "https://example.com", "secrets": ["whsec_!"]},
        {"url": "https://example.com", "secrets": "whsec_YQ=="},
    ],
)
def test_what_cannot_work_is_refused_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        WebhookRelay(**options)
    assert "YQ==" not in str(refused.value)
