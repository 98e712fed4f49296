"""Each stage of the library alone, in one thread, one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable

from benchmarks.load import Load
from benchmarks.measure import Observer
from benchmarks.workloads.ledger import Ledger, check
from benchmarks.workloads.producers import produce
from outbox.facade.assembly import assemble_pipeline
from outbox.workers.pipeline import Pipeline


def run(url: str, load: Load) -> None:
    """Print ``enqueue``, ``sequence``, ``process`` and ``vacuum``."""
    load.open(url).close()
    ledger = Ledger()
    builder = load.replace(processors=1).declare(url, lambda queue: queue.leased_batch(ledger.receive))
    outbox, pipeline, _ = assemble_pipeline(builder._options, threading.Event())  # noqa: SLF001 - no threads
    stages: dict[str, Callable[[], None]] = {
        "enqueue": lambda: produce(outbox, url, load),
        "sequence": lambda: sequence(pipeline),
        "process": lambda: process(pipeline),
        "vacuum": lambda: vacuum(pipeline),
    }
    with Observer(url) as observer:
        for name, stage in stages.items():
            with observer.phase(name, load.messages) as phase:
                stage()
            print(phase.to_line())
    outbox.close()
    check([ledger.ranges], load.messages)


def sequence(pipeline: Pipeline) -> None:
    """Number everything that is incoming."""
    worker = pipeline.sequencer(lingering=False)
    pipeline.stages.enqueued(pipeline.partition_ids)
    while pipeline.stages.sequencing.ready_count:
        worker.run_once()


def process(pipeline: Pipeline) -> None:
    """Deliver everything that is outgoing."""
    worker = pipeline.processor()
    while pipeline.stages.processing.ready_count:
        worker.run_once()


def vacuum(pipeline: Pipeline) -> None:
    """Remove everything that was processed."""
    chunk = int(pipeline.settings.profile.vacuum.batch_size)
    while pipeline.backend.vacuum(pipeline.partition_ids, chunk):
        pass
