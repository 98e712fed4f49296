"""From what was settled to the events that tell of it; each kind is made here alone."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from outbox import events
from outbox.backends.records import Delivery
from outbox.clock import monotonic, wall_clock
from outbox.handlers.outcome import Failed
from outbox.runtime.observers import Observers
from outbox.workers.consumer import Consumer
from outbox.workers.settling import Decision

log = logging.getLogger("outbox.workers")


class Handled(NamedTuple):
    """A delivery, what is to be written about it, and when its handler ran."""

    delivery: Delivery
    decision: Decision
    began: float
    """When it was handed over, on the monotonic clock."""
    seconds: float
    """In the handler; 0 if that was not called."""


def tell_turn(
    observers: Observers, consumer: Consumer, handled: Sequence[Handled], lost: Collection[int] = ()
) -> None:
    """Tell of deliveries whose settlement is committed, but for the partitions whose lease was ``lost``.

    What only a user's observer wants is not made without one: most messages cost no event of their own.
    """
    processed = retried = dead_lettered = set_aside = 0
    delivered = observers.want(events.Delivered)
    for item in handled:
        decision = item.decision
        # Nothing was written of a lease that was lost; or nothing was begun before the cancel point.
        if item.delivery.partition_id in lost or not (decision.processed or decision.failed):
            continue
        processed += decision.processed
        retried += decision.failed
        dead_lettered += len(decision.settlement.dead)
        set_aside += decision.set_aside
        if delivered:
            observers.tell(_delivered(consumer, item))
        if decision.settlement.parked:
            log_parked(consumer, item)
        if decision.failed or decision.settlement.dead:
            for trouble in _troubles(consumer, item):
                observers.tell(trouble)
    if lost:
        observers.tell(lease_lost(consumer, lost))
    observers.tell(
        events.TurnEnded(
            queue=consumer.queue,
            partitions=len(handled),
            processed=processed,
            retried=retried,
            dead_lettered=dead_lettered,
            set_aside=set_aside,
        )
    )


def log_parked(consumer: Consumer, handled: Handled) -> None:
    """Say which keys wait from now on."""
    for record in handled.decision.settlement.parked:
        if record.gives_up:
            message = handled.delivery.messages[record.seq - handled.delivery.cursor - 1]
            fields = {
                **place_of(consumer, handled.delivery.partition_id),
                "event": "outbox.key_parked",
                "seq": record.seq,
                "message_id": message.message_id,
                "key": message.message_key,
                "attempts": record.attempts,
            }
            log.warning(
                "key %r of queue %s is parked after %d failed deliveries of message %d: %s",
                message.message_key,
                consumer.queue,
                record.attempts,
                message.message_id,
                record.reason,
                extra=fields,
            )


def _delivered(consumer: Consumer, handled: Handled) -> events.Delivered:
    delivery, decision, began, seconds = handled
    first = delivery.messages[0]
    return events.Delivered(
        **place_of(consumer, delivery.partition_id),
        mode="leased" if consumer.leased is not None else "transactional",
        outcome="retry" if decision.failed else "reject" if decision.settlement.dead else "success",
        first_seq=first.seq,
        count=decision.processed,
        dead_lettered=len(decision.settlement.dead),
        first_message_id=first.message_id,
        attempts=delivery.attempts,
        seconds=seconds,
        waited=None if first.created_at is None else _waited(first.created_at.timestamp(), began),
    )


def _troubles(consumer: Consumer, handled: Handled) -> Iterator[events.Event]:
    delivery, decision = handled.delivery, handled.decision
    settlement = decision.settlement
    place = place_of(consumer, delivery.partition_id)
    for letter in settlement.dead:
        message = delivery.messages[letter.seq - delivery.cursor - 1]
        yield events.DeadLettered(
            **place,
            seq=letter.seq,
            message_id=message.message_id,
            key=message.message_key,
            attempts=letter.attempts,
            reason=letter.reason,
        )
    if decision.failed:
        head = delivery.messages[decision.processed]
        yield events.Retried(
            **place,
            seq=settlement.cursor + 1,
            message_id=head.message_id,
            key=head.message_key,
            attempts=settlement.attempts,
            reason=settlement.last_error or "",
            delay=settlement.delay,
        )


def handler_failed(
    consumer: Consumer, delivery: Delivery, position: int, failed: Failed
) -> events.HandlerFailed:
    """Return the event of an exception in a handler, at the first message that it did not finish."""
    # An exception may come after the last message was acknowledged.
    message = delivery.messages[min(position, len(delivery.messages) - 1)]
    return events.HandlerFailed(
        **place_of(consumer, delivery.partition_id),
        seq=message.seq,
        message_id=message.message_id,
        key=message.message_key,
        attempts=delivery.attempts if position == 0 else 0,
        reason=failed.reason,
        error=failed.cause or RuntimeError(failed.reason),
    )


def lease_lost(consumer: Consumer, partition_ids: Collection[int]) -> events.LeaseLost:
    """Return the event of leases that ran out before the ack."""
    return events.LeaseLost(**_places_of(consumer, partition_ids))


def lease_renewed(consumer: Consumer, partition_ids: Collection[int]) -> events.LeaseRenewed:
    """Return the event of leases that were extended."""
    return events.LeaseRenewed(**_places_of(consumer, partition_ids))


def place_of(consumer: Consumer, partition_id: int) -> dict[str, Any]:
    """Return the fields that say where a partition is."""
    return {
        "queue": consumer.queue,
        "partition": consumer.indexes[partition_id],
        "partition_id": partition_id,
    }


def _places_of(consumer: Consumer, partition_ids: Collection[int]) -> dict[str, Any]:
    ids = tuple(sorted(partition_ids))
    return {
        "queue": consumer.queue,
        "partitions": tuple(consumer.indexes[partition_id] for partition_id in ids),
        "partition_ids": ids,
    }


def _waited(created_at: float, began: float) -> float:
    # The database's clock against the host's: what they differ by is in it, below zero is nonsense.
    return max(0.0, wall_clock() - (monotonic() - began) - created_at)
