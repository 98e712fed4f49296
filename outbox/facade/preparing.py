"""From what a producer hands in to what is written, and to what observers are told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from outbox.enqueue.prepared_message import PreparedMessage
from outbox.errors import ConfigurationError, OutboxError
from outbox.events import Enqueued
from outbox.facade.registry import RegisteredQueue
from outbox.values.codec import JSON, Codec, encode_with
from outbox.values.dedup import unique
from outbox.values.delay import waiting
from outbox.values.headers import HeaderSource, encode_headers, gather_headers, with_context
from outbox.values.keys import key_text
from outbox.values.message import EnqueueMessage
from outbox.values.payloads import check_size


class Preparing:
    """Checks and encodes messages, all of them before the first is written."""

    def __init__(
        self, *, max_payload_size: int, header_sources: Sequence[HeaderSource], codec: Codec = JSON
    ) -> None:
        self._max_payload_size = max_payload_size
        self._header_sources = header_sources
        self.codec = codec

    def one(self, queue: RegisteredQueue, message: EnqueueMessage) -> PreparedMessage:
        """Return a message as the database takes it."""
        return self._prepare(queue, message, gather_headers(self._header_sources))

    def many(self, queue: RegisteredQueue, messages: Iterable[EnqueueMessage]) -> list[PreparedMessage]:
        """Return messages likewise; an error about one has its place among them as ``index``."""
        given: object = messages
        if not isinstance(given, Iterable):
            raise ConfigurationError(
                "messages", type(given).__name__, "give a list of EnqueueMessage objects"
            )
        context = gather_headers(self._header_sources)
        prepared: list[PreparedMessage] = []
        try:
            for message in messages:
                prepared.append(self._prepare(queue, message, context))  # noqa: PERF401 - its length is the index
        except OutboxError as error:
            error.index = len(prepared)
            raise
        return prepared

    def _prepare(
        self, queue: RegisteredQueue, message: EnqueueMessage, context: Mapping[str, str]
    ) -> PreparedMessage:
        given: object = message
        if not isinstance(given, EnqueueMessage):
            raise ConfigurationError("messages", type(given).__name__, "give EnqueueMessage objects")
        partition_id = queue.choose(message.partition, message.key)
        data, payload_type = encode_with(self.codec, message.payload, message.payload_type)
        check_size(data, self._max_payload_size)
        headers = encode_headers(with_context(message.headers, context))
        delay_us, due_us = waiting(message.deliver_after)
        dedup_key, window_us, raises = unique(message.dedup_key, message.dedup_window, message.on_duplicate)
        return PreparedMessage(
            partition_id,
            data,
            payload_type,
            headers,
            key_text(message.key),
            delay_us=delay_us,
            due_us=due_us,
            dedup_key=dedup_key,
            window_us=window_us,
            unique=raises,
        )


def enqueued(queue: RegisteredQueue, messages: Sequence[PreparedMessage], ids: Sequence[int]) -> Enqueued:
    """Return the event of written messages."""
    indexes = {partition_id: index for index, partition_id in enumerate(queue.partition_ids)}
    partitions = tuple(indexes[message.partition_id] for message in messages)
    return Enqueued(queue=queue.name, count=len(ids), message_ids=tuple(ids), partitions=partitions)
