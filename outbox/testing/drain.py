"""Run all stages in the calling thread until nothing is left."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Literal

from outbox.errors import ConfigurationError
from outbox.facade import OutboxBuilder
from outbox.facade.outbox import Outbox
from outbox.testing.failed import DrainCounts, Failures, HandlersFailed
from outbox.workers.pipeline import Pipeline

# Rounds without an end would mean that a handler enqueues for itself for ever.
MAX_ROUNDS = 10_000
VACUUM_CHUNK = 10_000  # a test has all of its messages removed at once

Errors = Literal["return", "raise"]


def drain(outbox: Outbox | OutboxBuilder, *, conn: object = None, errors: Errors = "return") -> DrainCounts:
    """Deliver everything that is there, in the calling thread; return what was done.

    Give the builder that declares the handlers, or an `Outbox` that it opened. No worker is started
    and nothing sleeps: backoffs are skipped, and a partition whose handler asked for a Retry rests
    until the next call, so that each call makes one delivery attempt and a test decides how many.
    Messages that handlers enqueue meanwhile are delivered too.

    Without ``conn`` it delivers what is committed. With ``conn``, any connection that `Outbox.enqueue`
    takes, everything happens on it, inside the transaction that is open there and behind savepoints of its
    own: what the test has enqueued and not committed is delivered, and a rollback undoes the deliveries too.

    With ``errors="raise"`` an exception of a handler is raised at the end, itself when it was the only one,
    else `HandlersFailed`, which names all; results such as Retry and Reject are no exceptions. Raises
    `ConfigurationError` when no queue has a handler, and for the outbox of a handle, whose workers are
    running; and for ``conn`` as `Outbox.enqueue` does.
    """
    if errors not in {"return", "raise"}:
        raise ConfigurationError("errors", errors, 'give "return" or "raise"')
    if isinstance(outbox, OutboxBuilder):
        with outbox.open() as opened:
            return drain(opened, conn=conn, errors=errors)
    if not hasattr(outbox, "_make_pipeline"):
        raise ConfigurationError("outbox", type(outbox).__name__, "give an Outbox, or the builder of one")
    failures = Failures()
    counts = _Drain(outbox, conn, failures).run()
    if errors == "raise":
        raise_failed(failures.raised, counts)
    return counts


def raise_failed(raised: list[BaseException], counts: DrainCounts) -> None:
    """Raise the handlers' only exception, or one that names all of them; do nothing without any."""
    if len(raised) == 1:
        raise raised[0]
    if raised:
        raise HandlersFailed(counts) from raised[0]


class _Drain:
    def __init__(self, outbox: Outbox, conn: object, failures: Failures) -> None:
        # Time stands still for the queues: what is deferred once stays so for this drain.
        self._pipeline: Pipeline = outbox._make_pipeline(  # noqa: SLF001 - not for users: it runs no thread
            stopping=lambda: False,
            change=lambda consumer: replace(consumer, backs_off=False, rate=None),
            queue_clock=lambda: 0.0,
            conn=conn,
            observer=failures,
        )
        self._failures = failures
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
        self._pipeline.rules.compare(rows.revision)
        stages.enqueued(row.partition_id for row in rows if row.incoming)
        stages.due([row.partition_id for row in rows if row.due])
        stages.sequenced(row.partition_id for row in rows if row.behind)
        while stages.sequencing.ready_count:
            self._sequencer.run_once()
        while stages.processing.ready_count:
            self._processor.run_once()
        return self._progress() != before

    def _progress(self) -> tuple[int, int, int]:
        totals = self._totals()
        return totals["sequenced"], totals["processed"], totals["retried"]

    def _counts(self, vacuumed: int) -> DrainCounts:
        totals = self._totals()
        rows = self._pipeline.backend.partition_status(self._pipeline.partition_ids)
        return DrainCounts(
            sequenced=totals["sequenced"],
            processed=totals["processed"],
            retried=totals["retried"],
            dead_lettered=totals["dead_lettered"],
            vacuumed=vacuumed,
            left=sum(row.incoming + row.sequence - row.processed_seq for row in rows),
            delayed=sum(row.delayed for row in rows),
            failures=tuple(self._failures.found),
        )

    def _totals(self) -> Counter[str]:
        totals: Any = self._pipeline.counters.snapshot()
        return Counter(totals)
