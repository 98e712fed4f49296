"""Relays: handlers that pass every message on to a broker or an HTTP endpoint, confirmed and in order."""

from outbox.contrib.relays.aws_relay import SnsRelay, SqsRelay
from outbox.contrib.relays.envelopes import CloudEvents, DebeziumEvent, Envelope, Raw, Wrapped
from outbox.contrib.relays.kafka import KafkaRelay
from outbox.contrib.relays.nats import NatsRelay
from outbox.contrib.relays.outgoing import Outgoing, Route, Router
from outbox.contrib.relays.rabbitmq import RabbitmqRelay
from outbox.contrib.relays.redis import RedisRelay
from outbox.contrib.relays.relay import Relay
from outbox.contrib.relays.webhook import WebhookRelay

__all__ = [
    "CloudEvents",
    "DebeziumEvent",
    "Envelope",
    "KafkaRelay",
    "NatsRelay",
    "Outgoing",
    "RabbitmqRelay",
    "Raw",
    "RedisRelay",
    "Relay",
    "Route",
    "Router",
    "SnsRelay",
    "SqsRelay",
    "WebhookRelay",
    "Wrapped",
]
