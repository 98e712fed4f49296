"""A relay from an address and options."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from outbox import ConfigurationError
from outbox.contrib import relays
from outbox.contrib.relays.opening import open_envelope, open_relay


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("kafka://localhost:9092", relays.KafkaRelay),
        ("amqp://guest:guest@localhost/%2F", relays.RabbitmqRelay),
        ("redis://localhost", relays.RedisRelay),
        ("nats://localhost", relays.NatsRelay),
        ("sqs://eu-west-1", relays.SqsRelay),
        ("https://example.com/hooks", relays.WebhookRelay),
    ],
)
def test_the_scheme_picks_the_relay_and_nothing_connects(address: str, kind: type[relays.Relay]) -> None:
    assert type(open_relay(address)) is kind


@pytest.mark.parametrize(
    ("address", "options"),
    [
        ("localhost:9092", {}),
        ("ftp://localhost", {}),
        ("kafka://localhost", {"colour": "red"}),
        ("https://example.com", {"topic": "orders"}),
        ("redis://localhost", {"maxlen": 0}),
        ("sns://eu-west-1", {"topic": "orders"}),
    ],
)
def test_what_is_not_known_is_refused(address: str, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        open_relay(address, **options)


def test_an_envelope_has_a_name_and_options() -> None:
    assert isinstance(open_envelope("cloudevents", source="/shop"), relays.CloudEvents)
    for name, options in (("xml", {}), ("cloudevents", {}), ("raw", {"source": "/shop"})):
        with pytest.raises(ConfigurationError):
            open_envelope(name, **options)


def test_importing_the_relays_imports_no_client() -> None:
    clients = "{'pika', 'confluent_kafka', 'redis', 'nats', 'urllib3', 'boto3'}"
    program = f"import sys, outbox.contrib.relays; print({clients} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_missing_client_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pika", None)
    with pytest.raises(ConfigurationError, match=r"outbox-pipeline\[rabbitmq\]"):
        relays.RabbitmqRelay("amqp://localhost")
