"""The workers of one process, moved by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from outbox.facade import OutboxBuilder
from outbox.facade.assembly import assemble_pipeline
from outbox.handlers.around import Wrapper
from outbox.handlers.batch import Batch
from outbox.handlers.call import LeasedAdapter
from outbox.handlers.outcome import Outcome
from outbox.runtime.directive import Directive

MOST_ROUNDS = 500
# What a turn counts that handed something over, or had a reason not to.
REASONS = ("retried", "dead_lettered", "set_aside", "lost_leases")


class CallCounter:
    """Wraps leased handlers and counts their calls."""

    def __init__(self) -> None:
        self.calls = 0

    def counting(self, handler: LeasedAdapter | None) -> LeasedAdapter | None:
        """Return the handler, counted; None for none."""
        if handler is None:
            return None

        return Counted(self, handler)


class Counted:
    """A leased handler whose calls are counted, whatever is wrapped around it."""

    def __init__(self, counter: CallCounter, handler: LeasedAdapter) -> None:
        self._counter = counter
        self._handler = handler

    def __call__(self, batch: Batch) -> Outcome:
        """Handle the batch."""
        self._counter.calls += 1
        return self._handler(batch)

    def surrounded(self, wrappers: Sequence[Wrapper]) -> Counted:
        """Return the same with wrappers inside."""
        return Counted(self._counter, self._handler.surrounded(wrappers))


class Hands:
    """Runs the actions of a pipeline in the calling thread, one round at a time.

    Two of them on one database stand for two processes: they share nothing but the tables.
    """

    def __init__(self, builder: OutboxBuilder) -> None:
        self.stopping = threading.Event()
        self._counter = CallCounter()
        declarations = tuple(
            replace(declaration, leased=self._counter.counting(declaration.leased))
            for declaration in builder._options.declarations
        )
        options = builder._options.replace(declarations=declarations)
        self.outbox, self.pipeline, _ = assemble_pipeline(options, self.stopping)
        self._leases = [consumer.lease for consumer in self.pipeline.consumers if consumer.leased]
        self.stages = self.pipeline.stages
        self._sequencer = self.pipeline.sequencer(lingering=False)
        self._processor = self.pipeline.processor()

    def look(self) -> None:
        """Learn from the database what is pending, as the reconciler does."""
        rows = self.pipeline.backend.pending(self.pipeline.partition_ids)
        self.pipeline.rules.compare(rows.revision)
        self.stages.found(
            [row.partition_id for row in rows if row.incoming],
            [row.partition_id for row in rows if row.behind],
        )

    def sequence(self) -> None:
        """Sequence everything that is committed."""
        self.look()
        while self.stages.sequencing.ready_count:
            self._sequencer.run_once()

    def turn(self) -> Directive:
        """Sequence everything, then run one round of a processor.

        One more if the machine was so slow that a lease's cancel point had passed before its handler was
        called: the turn has given everything back then, and a worker would go on at once, too.
        """
        self.sequence()
        for _ in range(MOST_ROUNDS):
            before, began = self._uncalled(), time.monotonic()
            directive = self._processor.run_once()
            if not self._leases or self.stopping.is_set() or self._uncalled() <= before:
                return directive
            taken = time.monotonic() - began
            assert taken >= min(lease.handler_budget for lease in self._leases), "given back although in time"
        raise AssertionError(f"no handler was called in time in {MOST_ROUNDS} rounds")

    def work(self) -> None:
        """Run rounds until nothing is ready (what is left is held, or rests after a failure) or all is to stop.

        Asks the database once, at the beginning: what follows must be known without a poll.
        """
        self.turn()
        for _ in range(MOST_ROUNDS):
            if not self.stages.processing.ready_count or self.stopping.is_set():
                return
            self._processor.run_once()
        raise AssertionError(f"still busy after {MOST_ROUNDS} rounds")

    def insist(self) -> None:
        """Try to work on every partition, whatever the database says is pending."""
        self.stages.processing.mark_due(self.pipeline.partition_ids)
        self._processor.run_once()

    def _uncalled(self) -> int:
        """Return how many settlements there were without any reason, less the calls of handlers."""
        counts = self.pipeline.counters.snapshot()
        return counts.get("turns", 0) - sum(counts.get(name, 0) for name in REASONS) - self._counter.calls

    def keep_leases(self) -> None:
        """Run one round of the lease keeper."""
        self.pipeline.keeper.run_once()

    def close(self) -> None:
        """Close the connections; threads it has none."""
        self.outbox.close()
