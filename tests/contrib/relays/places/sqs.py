"""A FIFO queue of SQS, and a FIFO topic of SNS that a queue is subscribed to."""

from __future__ import annotations

import base64
import os
from typing import Any

import boto3

from outbox.contrib.relays import Relay, SnsRelay, SqsRelay
from tests.contrib.relays.places.place import Arrival, Place

REGION = "eu-west-1"
CLIENTS: dict[tuple[str, str], Any] = {}


class SqsPlace(Place):
    """The topic is the queue's name; what is read is deleted there."""

    kind = "sqs"
    server = "moto"
    messages = 80  # moto takes some ten calls a second

    def create(self) -> None:
        self.declare(self.topic)

    def declare(self, name: str, **attributes: str) -> str:
        created = self.client("sqs").create_queue(
            QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true", **attributes}
        )
        self._url = str(created["QueueUrl"])
        return self._url

    def read(self) -> list[Arrival]:
        client = self.client("sqs")
        found: list[Arrival] = []
        while received := client.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
        ).get("Messages"):
            for message in received:
                client.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                found.append(_arrival(message))
        return found

    def client(self, service: str) -> Any:
        """Return a client; making one takes a good part of a second, so each is made once."""
        if (self.broker.url, service) not in CLIENTS:
            _give_credentials()
            CLIENTS[self.broker.url, service] = boto3.client(
                service, region_name=REGION, endpoint_url=self.broker.url
            )
        return CLIENTS[self.broker.url, service]

    @staticmethod
    def new_relay(url: str, topic: str, **options: Any) -> Relay:
        _give_credentials()
        return SqsRelay(topic, region=REGION, endpoint_url=url, **options)


class SnsPlace(SqsPlace):
    """The topic is an ARN."""

    kind = "sns"

    def create(self) -> None:
        queue = self.declare(self.topic)
        client = self.client("sns")
        created = client.create_topic(Name=f"{self.topic}.fifo", Attributes={"FifoTopic": "true"})
        self.topic = created["TopicArn"]
        arn = f"arn:aws:sqs:{REGION}:{queue.split('/')[-2]}:{queue.split('/')[-1]}"
        client.subscribe(
            TopicArn=self.topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
        )

    @staticmethod
    def new_relay(url: str, topic: str, **options: Any) -> Relay:
        _give_credentials()
        arn = topic if topic.startswith("arn:") else f"arn:aws:sns:{REGION}:123456789012:{topic}.fifo"
        return SnsRelay(arn, region=REGION, endpoint_url=url, **options)


def _give_credentials() -> None:
    """Give what moto takes: anything."""
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")


def _arrival(message: Any) -> Arrival:
    headers = {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
    body = message["Body"].encode()
    if headers.get("content-transfer-encoding") == "base64":
        body = base64.b64decode(body)
    return Arrival(headers.get("outbox-key"), body, headers)
