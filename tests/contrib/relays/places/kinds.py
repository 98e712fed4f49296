"""Every kind of place."""

from __future__ import annotations

from tests.contrib.relays.places.kafka import KafkaPlace
from tests.contrib.relays.places.nats import NatsPlace
from tests.contrib.relays.places.place import Place
from tests.contrib.relays.places.rabbitmq import RabbitmqPlace
from tests.contrib.relays.places.redis import RedisPlace
from tests.contrib.relays.places.sqs import SnsPlace, SqsPlace
from tests.contrib.relays.places.webhook import WebhookPlace

KINDS: dict[str, type[Place]] = {
    "rabbitmq": RabbitmqPlace,
    "kafka": KafkaPlace,
    "redis": RedisPlace,
    "nats": NatsPlace,
    "sqs": SqsPlace,
    "sns": SnsPlace,
    "webhook": WebhookPlace,
}
