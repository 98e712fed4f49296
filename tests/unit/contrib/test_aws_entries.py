"""How messages are written for SQS and SNS."""

from __future__ import annotations

from typing import Any

import pytest

from outbox import ConfigurationError
from outbox.contrib.relays import Outgoing, SnsRelay, SqsRelay
from outbox.contrib.relays.aws_entries import calls_of, group_of
from tests.contrib.relays.batches import make_message


def outgoing(key: str | None = None, body: bytes = b"{}", topic: str = "orders") -> Outgoing:
    return Outgoing(topic, key, body, "text/plain", {"outbox-partition": "9"}, make_message(1, body, key))


def test_every_key_has_a_group_of_its_own_that_the_service_takes() -> None:
    keys = [None, "Anna", "a b", "a%20b", "Zoë", "", "x" * 128, "x" * 129, "ö" * 100, "partition"]
    groups = [group_of(outgoing(key)) for key in keys]
    assert len(set(groups)) == len(keys)
    assert all(0 < len(group) <= 128 and group.isascii() and " " not in group for group in groups)
    assert groups[:2] == ["partition-9", "Anna"]


def test_a_call_has_at_most_ten_messages_of_one_topic_and_a_limit_in_bytes() -> None:
    wave = [outgoing(str(n)) for n in range(12)] + [outgoing("a", topic="other")]
    assert [(topic, len(call)) for topic, call in calls_of(wave)] == [
        ("orders", 10),
        ("orders", 2),
        ("other", 1),
    ]
    large = [outgoing(str(n), b"x" * 100_000) for n in range(3)] + [outgoing("b", b"x" * 300_000)]
    assert [len(call) for _, call in calls_of(large)] == [2, 1, 1]


@pytest.mark.parametrize(
    ("relay", "words"),
    [
        (SqsRelay, {"queue": "https://sqs.eu-west-1.amazonaws.com/1/orders", "region": "eu-west-1"}),
        (SnsRelay, {"topic": "orders.fifo", "region": "eu-west-1"}),
        (SnsRelay, {"topic": "arn:aws:sns:eu-west-1:1:orders", "region": "eu-west-1"}),
        (SnsRelay, {"region": "eu-west-1"}),
        (SqsRelay, {"queue": "orders"}),
    ],
)
def test_what_cannot_keep_an_order_or_is_nowhere_is_refused(
    relay: type, words: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(ConfigurationError):
        relay(**words)
