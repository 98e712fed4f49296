"""What the relays to SQS and SNS have in common: the client, and the waves that one call carries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from outbox.clock import Deadline
from outbox.contrib.relays.answers import Answer
from outbox.contrib.relays.aws_entries import FIFO
from outbox.contrib.relays.envelopes import Envelope
from outbox.contrib.relays.imports import import_library
from outbox.contrib.relays.outgoing import Outgoing, Router
from outbox.contrib.relays.pool import SessionPool
from outbox.contrib.relays.relay import DEFAULT_TIMEOUT, Relay
from outbox.errors import ConfigurationError

if TYPE_CHECKING:
    from outbox.contrib.relays.aws_session import AwsSession


class AwsRelay(Relay):
    """Send to a FIFO queue or topic of Amazon, ten messages of different keys to a call.

    Of one key only one message at a time is under way: a call may fail for some of its messages, and the next
    one of a key that failed would overtake it.
    """

    service: ClassVar[str]
    """The name that boto3 has for it, which is the extra's and the address's, too."""

    wave_size: ClassVar[int] = 10  # what a call may carry
    attribute_prefix: ClassVar[str] = "ce-"

    def __init__(
        self,
        topic: str | None,
        *,
        region: str | None,
        endpoint_url: str | None,
        envelope: Envelope | None,
        route: Router | None,
        timeout: float | timedelta,
    ) -> None:
        """Check the options; nothing is opened before the first message."""
        super().__init__(topic, envelope=envelope, route=route, timeout=timeout)
        boto3 = import_library("boto3", "sqs")
        if region is None and boto3.session.Session().region_name is None:
            raise ConfigurationError("region", region, "give a region, or set AWS_DEFAULT_REGION")
        self._options = {"region_name": region, "endpoint_url": endpoint_url}
        self._sessions: SessionPool[AwsSession] = SessionPool(self._open)

    def close(self) -> None:
        """Close the connections."""
        self._sessions.close()

    def _open(self, _: Deadline) -> Any:
        from outbox.contrib.relays.aws_session import AwsSession

        return AwsSession(self.service, self._options)

    def _send(self, wave: Sequence[Outgoing], deadline: Deadline) -> Sequence[Answer]:
        with self._sessions.acquire(deadline) as session:
            return session.send(wave, deadline)


class SqsRelay(AwsRelay):
    """Send to FIFO queues of Amazon SQS.

    ``queue`` is a name, ``.fifo`` at its end or not, or a URL; the outbox's queue's name unless it or
    ``route`` says otherwise. Region and credentials are what boto3 finds in the environment, unless
    ``region`` is given. The message's key is its group (``MessageGroupId``), and the partition is that of a
    message without a key. `OutboxMessage.uid` is the ``MessageDeduplicationId``, so that SQS drops what it
    got within the last five minutes, and that counts as sent.

    What is too large for SQS goes to the dead letters. A service that is away or throttles counts as no
    attempt; a queue that does not exist does.
    """

    service: ClassVar[str] = "sqs"

    def __init__(
        self,
        queue: str | None = None,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        envelope: Envelope | None = None,
        route: Router | None = None,
        timeout: float | timedelta = DEFAULT_TIMEOUT,
    ) -> None:
        """Check the options; nothing is opened before the first message."""
        if queue is not None and queue.startswith("http") and not queue.endswith(FIFO):
            raise ConfigurationError("queue", queue, "give the URL of a FIFO queue, which ends with .fifo")
        super().__init__(
            queue, region=region, endpoint_url=endpoint_url, envelope=envelope, route=route, timeout=timeout
        )


class SnsRelay(AwsRelay):
    """Publish to FIFO topics of Amazon SNS.

    ``topic`` is the ARN of a FIFO topic, or ``route`` returns one for each message. Everything else is as
    with `SqsRelay`. A queue that is subscribed with raw message delivery gets what `SqsRelay` would send.
    """

    service: ClassVar[str] = "sns"

    def __init__(
        self,
        topic: str | None = None,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        envelope: Envelope | None = None,
        route: Router | None = None,
        timeout: float | timedelta = DEFAULT_TIMEOUT,
    ) -> None:
        """Check the options; nothing is opened before the first message."""
        if topic is None and route is None:
            raise ConfigurationError("topic", topic, "give the ARN of a topic, or a route that returns one")
        if topic is not None and not (topic.startswith("arn:") and topic.endswith(FIFO)):
            raise ConfigurationError("topic", topic, "give the ARN of a FIFO topic, which ends with .fifo")
        super().__init__(
            topic, region=region, endpoint_url=endpoint_url, envelope=envelope, route=route, timeout=timeout
        )
