"""The workers of one process, moved by hand."""

from __future__ import annotations

import threading

from outbox.builder import OutboxBuilder
from outbox.builder.assembly import assemble_pipeline
from outbox.runtime.directive import Directive

MOST_ROUNDS = 500


class Hands:
    """Runs the actions of a pipeline in the calling thread, one round at a time.

    Two of them on one database stand for two processes: they share nothing but the tables.
    """

    def __init__(self, builder: OutboxBuilder) -> None:
        self.stopping = threading.Event()
        self.outbox, self.pipeline, _ = assemble_pipeline(builder._options, self.stopping)
        self.signals = self.pipeline.signals
        self._sequencer = self.pipeline.sequencer(lingering=False)
        self._processor = self.pipeline.processor()

    def look(self) -> None:
        """Learn from the database what is pending, as the reconciler does."""
        rows = self.pipeline.backend.pending(self.pipeline.partition_ids)
        self.signals.found(
            [row.partition_id for row in rows if row.incoming],
            [row.partition_id for row in rows if row.behind],
        )

    def sequence(self) -> None:
        """Sequence everything that is committed."""
        self.look()
        while self.signals.sequencing.ready_count:
            self._sequencer.run_once()

    def turn(self) -> Directive:
        """Sequence everything, then run one round of a processor."""
        self.sequence()
        return self._processor.run_once()

    def work(self) -> None:
        """Run rounds until nothing is ready (what is left is held, or rests after a failure) or all is to stop.

        Asks the database once, at the beginning: what follows must be known without a poll.
        """
        self.turn()
        for _ in range(MOST_ROUNDS):
            if not self.signals.processing.ready_count or self.stopping.is_set():
                return
            self._processor.run_once()
        raise AssertionError(f"still busy after {MOST_ROUNDS} rounds")

    def insist(self) -> None:
        """Try to work on every partition, whatever the database says is pending."""
        self.signals.processing.mark_due(self.pipeline.partition_ids)
        self._processor.run_once()

    def keep_leases(self) -> None:
        """Run one round of the lease keeper."""
        self.pipeline.keeper.run_once()

    def close(self) -> None:
        """Close the connections; threads it has none."""
        self.outbox.close()
