"""Log lines about deliveries: where a message is and what went wrong, never what it says."""

from __future__ import annotations

import logging
from collections.abc import Collection

from outbox.backends.records import Delivery
from outbox.workers.consumer import Consumer
from outbox.workers.settling import Verdict

log = logging.getLogger("outbox.workers.processor")


def report_verdict(consumer: Consumer, delivery: Delivery, verdict: Verdict) -> None:
    """Log dead letters and failures of one delivery."""
    settlement = verdict.settlement
    where = {"queue": consumer.queue, "partition": consumer.indexes[delivery.partition_id]}
    for letter in settlement.dead:
        log.error(
            "dead letter: queue %s, partition %d, seq %d, after %d failed deliveries: %s",
            where["queue"],
            where["partition"],
            letter.seq,
            letter.attempts,
            letter.reason,
            extra={**where, "seq": letter.seq, "attempts": letter.attempts},
        )
    if verdict.failed:
        log.warning(
            "retry: queue %s, partition %d, seq %d, failed deliveries %d, next in %.3f s: %s",
            where["queue"],
            where["partition"],
            settlement.cursor + 1,
            settlement.attempts,
            settlement.delay,
            settlement.last_error,
            extra={**where, "seq": settlement.cursor + 1, "attempts": settlement.attempts},
        )


def report_lost(consumer: Consumer, partition_ids: Collection[int]) -> None:
    """Log that an ack came too late."""
    partitions = sorted(consumer.indexes[partition_id] for partition_id in partition_ids)
    log.warning(
        "lease lost before the ack: queue %s, partitions %s; their messages will be delivered again "
        "(a longer lease, or renewals, prevents this)",
        consumer.queue,
        partitions,
        extra={"queue": consumer.queue, "partitions": partitions},
    )
