"""Run all stages in the calling thread until nothing is left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from outbox.facade import OutboxBuilder
from outbox.facade.outbox import Outbox
from outbox.handlers.outcome import Outcome
from outbox.handlers.transactional import TransactionalHandler
from outbox.workers.consumer import Consumer
from outbox.workers.pipeline import Pipeline

# Rounds without an end would mean that a handler enqueues for itself for ever.
MAX_ROUNDS = 10_000
VACUUM_CHUNK = 10_000


@dataclass(frozen=True)
class DrainCounts:
    """What one `drain` did."""

    sequenced: int
    processed: int
    """Messages finished, dead-lettered ones included."""
    retried: int
    """Batches that ended in a Retry."""
    dead_lettered: int
    vacuumed: int
    left: int
    """Messages still in the tables: behind a Retry, or held by another worker."""


def drain(outbox: Outbox | OutboxBuilder) -> DrainCounts:
    """Deliver everything that is committed, in the calling thread; return what was done.

    Give the builder that declares the handlers, or an `Outbox` that it opened. No thread is started
    and nothing sleeps: backoffs are skipped, and a partition whose handler asked for a Retry rests
    until the next call, so that each call makes one delivery attempt and a test decides how many.
    Messages that handlers enqueue meanwhile are delivered too. Raises `ConfigurationError` when no
    queue has a handler.
    """
    if isinstance(outbox, OutboxBuilder):
        with outbox.open() as opened:
            return drain(opened)
    return _Drain(outbox).run()


class _Drain:
    def __init__(self, outbox: Outbox) -> None:
        # Time stands still for the queues: what is deferred once stays so for this drain.
        self._pipeline: Pipeline = outbox._make_pipeline(  # noqa: SLF001 - not for users: it runs no thread
            stopping=lambda: False, change=without_backoff, queue_clock=lambda: 0.0
        )
        self._sequencer = self._pipeline.sequencer(lingering=False)
        self._processor = self._pipeline.processor()

    def run(self) -> DrainCounts:
        for _ in range(MAX_ROUNDS):
            if not self._round():
                break
        removed = 0
        if self._pipeline.recorder is not None:
            self._pipeline.recorder.flush()
        while chunk := self._pipeline.backend.vacuum(self._pipeline.partition_ids, VACUUM_CHUNK):
            removed += chunk
        return self._counts(removed)

    def _round(self) -> bool:
        """Move what is there one stage on; return whether anything moved."""
        before = self._progress()
        stages = self._pipeline.stages
        rows = self._pipeline.backend.pending(self._pipeline.partition_ids)
        stages.enqueued(row.partition_id for row in rows if row.incoming)
        stages.sequenced(row.partition_id for row in rows if row.behind)
        while stages.sequencing.ready_count:
            self._sequencer.run_once()
        while stages.processing.ready_count:
            self._processor.run_once()
        return self._progress() != before

    def _progress(self) -> tuple[int, int, int]:
        totals = self._pipeline.counters.snapshot()
        return totals.get("sequenced", 0), totals.get("processed", 0), totals.get("retried", 0)

    def _counts(self, vacuumed: int) -> DrainCounts:
        totals = self._pipeline.counters.snapshot()
        rows = self._pipeline.backend.partition_status(self._pipeline.partition_ids)
        return DrainCounts(
            sequenced=totals.get("sequenced", 0),
            processed=totals.get("processed", 0),
            retried=totals.get("retried", 0),
            dead_lettered=totals.get("dead_lettered", 0),
            vacuumed=vacuumed,
            left=sum(row.incoming + row.sequence - row.processed_seq for row in rows),
        )


# Not zero: the queues' clock stands still, and what is due in an instant is never due.
INSTANT = 1e-9


def without_backoff(consumer: Consumer) -> Consumer:
    """Return a consumer that delivers as the given one does and never backs off."""
    leased, transactional = consumer.leased, consumer.transactional
    return replace(
        consumer,
        leased=None if leased is None else lambda batch: _instant(leased(batch)),
        transactional=None if transactional is None else _Impatient(transactional),
    )


class _Impatient:
    def __init__(self, handler: TransactionalHandler) -> None:
        self._handler = handler

    def run(self, *turn: Any, **more: Any) -> Outcome:
        """Run the handler, with whatever it takes; its failure asks for no delay."""
        return _instant(self._handler.run(*turn, **more))


def _instant(outcome: Outcome) -> Outcome:
    if outcome.failure is None:
        return outcome
    return replace(outcome, failure=replace(outcome.failure, delay=INSTANT))
