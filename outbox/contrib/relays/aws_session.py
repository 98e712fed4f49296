"""A client of SQS or SNS, used by one thread at a time, that sends waves and never tries again by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from outbox.clock import Deadline, monotonic
from outbox.contrib.relays.answers import CONFIRMED, Answer, Confirmed, Failed, Refused, Unclear
from outbox.contrib.relays.aws_entries import FIFO, Entry, calls_of
from outbox.contrib.relays.outgoing import Outgoing

# A firewall may forget an idle connection without a word; a new one takes some milliseconds.
MOST_IDLE = 30.0
# A connection takes a round trip or three; the rest of the time is the service's.
SHARE_TO_CONNECT = 0.2
# Errors that speak of the service and not of the message, without the prefixes they come with.
PASSING = {
    *("RequestThrottled", "Throttling", "Throttled", "ThrottlingException", "ThrottledException"),
    *("TooManyRequestsException", "RequestLimitExceeded", "OverLimit", "SlowDown", "KmsThrottled"),
    *("KMSThrottling", "KMSThrottlingException", "InternalError", "InternalFailure"),
    *("InternalErrorException", "ServiceUnavailable", "RequestTimeout", "RequestExpired", "ExpiredToken"),
    *("ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"),
    *("SignatureDoesNotMatch", "InvalidSecurity"),
}
TOO_LARGE = {"BatchRequestTooLong", "InvalidMessageContents"}
# How the services say it where the code is one for all that is wrong with a parameter.
SAYS_TOO_LARGE = ("too long", "must be shorter", "longer than")


class Service(NamedTuple):
    """The words of a service's API."""

    method: str
    place: str
    entries: str
    body: str


SERVICES = {
    "sqs": Service("send_message_batch", "QueueUrl", "Entries", "MessageBody"),
    "sns": Service("publish_batch", "TopicArn", "PublishBatchRequestEntries", "Message"),
}


class AwsSession:
    """A client of its own: boto3's sessions are not thread-safe, and credentials are looked for once."""

    def __init__(self, service: str, options: Mapping[str, Any]) -> None:
        self._name = service
        self._service = SERVICES[service]
        self._options = options
        self._session = boto3.session.Session()
        self._client: Any = None
        self._patience = 0.0
        self._urls: dict[str, str] = {}
        self._failed = False
        self._idle_since = monotonic()

    def usable(self) -> bool:
        """Whether it has reached the service the last time; connections that are too old are dropped."""
        if monotonic() - self._idle_since >= MOST_IDLE:
            self._drop()
        return not self._failed

    def close(self) -> None:
        """Close the connections."""
        self._drop()

    def send(self, wave: Sequence[Outgoing], deadline: Deadline) -> list[Answer]:
        """Send every message and return the answers, in order; what follows a failed call is left out."""
        answers: list[Answer] = []
        for topic, entries in calls_of(wave):
            answers += self._attempt(topic, entries, deadline)
            if not all(isinstance(answer, Confirmed | Refused) for answer in answers):
                break
        self._idle_since = monotonic()
        return answers

    def _attempt(self, topic: str, entries: Sequence[Entry], deadline: Deadline) -> list[Answer]:
        alone = len(entries) == 1
        if not all(entry.body for entry in entries):
            reason = f"{self._name.upper()} takes no empty message"
            return [Refused(reason) if alone else Unclear(reason)]
        try:
            return list(self._judge(entries, self._call(topic, entries, deadline)))
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            return [
                self._answer(
                    error.response.get("Error", {}), its_own_fault=status >= 500, one_of_many=not alone
                )
            ]
        except ParamValidationError as error:
            return [Failed(f"{self._name.upper()} cannot be asked: {error}", counts=True)]
        except (BotoCoreError, OSError) as error:
            self._failed = True
            return [Failed(f"{self._name.upper()} did not confirm: {error}")]

    def _call(self, topic: str, entries: Sequence[Entry], deadline: Deadline) -> Mapping[str, Any]:
        words = [entry.words(number, self._service.body) for number, entry in enumerate(entries)]
        client = self._client_within(deadline)
        place = self._url_of(topic) if self._name == "sqs" else topic
        call = getattr(client, self._service.method)
        reply: Mapping[str, Any] = call(**{self._service.place: place, self._service.entries: words})
        return reply

    def _client_within(self, deadline: Deadline) -> Any:
        """Return a client that gives up before the deadline: its time-outs are for its whole life."""
        if self._client is None or self._patience > deadline.remaining():
            self._drop()
            self._patience = max(deadline.remaining(), 0.001)
            config = Config(
                connect_timeout=self._patience * SHARE_TO_CONNECT,
                read_timeout=self._patience * (1 - SHARE_TO_CONNECT),
                # boto3 would try again for longer than the lease lasts.
                retries={"total_max_attempts": 1, "mode": "standard"},
            )
            self._client = self._session.client(self._name, config=config, **self._options)
        return self._client

    def _url_of(self, queue: str) -> str:
        if queue.startswith(("http://", "https://")):
            return queue
        name = queue if queue.endswith(FIFO) else queue + FIFO
        if name not in self._urls:
            self._urls[name] = self._client.get_queue_url(QueueName=name)["QueueUrl"]
        return self._urls[name]

    def _judge(self, entries: Sequence[Entry], reply: Mapping[str, Any]) -> Iterator[Answer]:
        taken = {found["Id"] for found in reply.get("Successful", ())}
        failed = {found["Id"]: found for found in reply.get("Failed", ())}
        for number in map(str, range(len(entries))):
            if number in taken:
                yield CONFIRMED
            else:
                found = failed.get(number, {})
                yield self._answer(
                    found, its_own_fault=not found.get("SenderFault", False), one_of_many=False
                )

    def _answer(self, error: Mapping[str, Any], *, its_own_fault: bool, one_of_many: bool) -> Answer:
        """Return what an error means; ``one_of_many`` is one of a call, which may be another message's."""
        code, said = str(error.get("Code", "")), str(error.get("Message", ""))
        reason = f"{self._name.upper()}: {code} {said}".strip()
        code = code.rpartition(".")[2]
        if code in TOO_LARGE or any(words in said for words in SAYS_TOO_LARGE):
            return Unclear(reason) if one_of_many else Refused(reason)
        return Failed(reason, counts=not its_own_fault and code not in PASSING)

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
