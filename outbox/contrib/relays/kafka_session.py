"""One idempotent producer that produces waves and waits for their delivery reports."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from outbox.clock import Deadline
from outbox.contrib.relays.answers import CONFIRMED, Answer, Failed, Refused, Unclear
from outbox.contrib.relays.outgoing import Outgoing

log = logging.getLogger("outbox.relays.kafka")
# Warns at each start that the option is experimental; the tests hold it to what it promises.
log.addFilter(lambda record: "enable.gapless.guarantee" not in record.getMessage())

# What the client takes for "by the key".
ANY_PARTITION = -1
# A batch of records is refused whole when one of them is to blame.
TOO_LARGE = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD, KafkaError.INVALID_MSG)
# Wrong for this message or its topic, and no matter of waiting for the broker.
ILL_ADDRESSED = (
    KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - the public name of a client-side error
    KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 - the same
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_EXCEPTION,
)


class KafkaSession:
    """A producer used by one thread at a time.

    One that failed is not used again: it is thrown away with all that it has not sent, and a new one
    begins a sequence of its own.
    """

    def __init__(self, config: dict[str, Any], *, by_partition: bool) -> None:
        """Make the producer, which connects by itself."""
        self._by_partition = by_partition
        self._failed = False
        self._unreported = 0
        self._producer = Producer(config, logger=log)

    def usable(self) -> bool:
        """Whether everything it was given has been written."""
        return not self._failed

    def produce(self, wave: Sequence[Outgoing], deadline: Deadline) -> list[Answer]:
        """Produce every message and return the answers, in order."""
        answers: list[Answer | None] = [None] * len(wave)
        self._unreported = 0
        self._give_all(wave, answers, deadline)
        while self._unreported and not deadline.passed:
            self._poll(deadline.remaining())
        if not all(answer is CONFIRMED for answer in answers):
            self._failed = True
            # Nothing may leave after the lease. Its reports are not waited for: the producer goes with them.
            self._producer.purge(in_queue=True, in_flight=True, blocking=False)
        return [answer or Failed("Kafka did not confirm in time") for answer in answers]

    def close(self) -> None:
        """Throw away what was not sent, and the producer with it."""
        self._failed = True
        self._producer.purge(in_queue=True, in_flight=True, blocking=False)

    def _poll(self, seconds: float) -> None:
        try:
            # Not flush(): it goes on calling back after a fatal error was raised, and Python then breaks.
            self._producer.poll(seconds)
        except KafkaException as fatal:
            log.debug("the producer gives up, and the reports say whose fault it is: %s", fatal)

    def _give_all(self, wave: Sequence[Outgoing], answers: list[Answer | None], deadline: Deadline) -> None:
        """Put the messages into the producer's queue, as far as there is room in time."""
        produce = self._producer.produce
        to = ANY_PARTITION
        # Little more than the call in the loop: it is passed a hundred thousand times a second.
        for position, (topic, key, body, _, headers, message) in enumerate(wave):
            if self._by_partition:
                to = message.partition
            note = partial(self._note, answers, position)
            try:
                produce(topic, body, key, to, note, headers=headers)
                self._unreported += 1
            except (BufferError, KafkaException):
                if not self._give(wave[position], to, note, deadline):
                    break

    def _give(self, outgoing: Outgoing, to: int, note: Callable[..., None], deadline: Deadline) -> bool:
        """Put a message into the producer's queue; return False if there was no room in time."""
        topic, key, body, _, headers, _ = outgoing
        while not deadline.passed:
            try:
                self._producer.produce(topic, body, key, to, note, headers=headers)
                self._unreported += 1
            except BufferError:
                self._poll(min(deadline.remaining(), 0.1))
                continue
            except KafkaException as refused:
                note(refused.args[0], None, alone=True)
            return True
        return False

    def _note(
        self, answers: list[Answer | None], position: int, error: Any, _: Any, *, alone: bool = False
    ) -> None:
        """Take down a report; ``alone`` says that nothing was sent, so that it is about this message."""
        if not alone:
            self._unreported -= 1
        answers[position] = CONFIRMED if error is None else answer_to(error, alone=alone or len(answers) == 1)


def answer_to(error: Any, *, alone: bool) -> Answer:
    """Return what a delivery report's error means."""
    reason = f"Kafka: {error.str()}"
    if error.code() in TOO_LARGE:
        return Refused(reason) if alone else Unclear(reason)
    return Failed(reason, counts=error.code() in ILL_ADDRESSED)
