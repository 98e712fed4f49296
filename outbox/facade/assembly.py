"""From options to running parts."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from outbox.backends.connect import open_backend
from outbox.backends.protocol import Backend
from outbox.errors import ConfigurationError
from outbox.facade.handle import OutboxHandle
from outbox.facade.options import Options
from outbox.facade.outbox import Outbox, register
from outbox.facade.registry import Registry
from outbox.facade.threads import build_workers
from outbox.schema import check_schema
from outbox.wakeups.flush_buffer import Wakers
from outbox.wakeups.notifier import Notifier
from outbox.wakeups.stages import Signals
from outbox.workers.consumer import Consumer
from outbox.workers.pipeline import Pipeline

# For `Outbox.transaction`, `enqueue_now` and `status` beside the workers.
PRODUCER_CONNECTIONS = 4
# Vacuum, reconciler, lease keeper.
SERVICE_CONNECTIONS = 3
# The lease keeper's comes from no pool.
CONNECTIONS_APART = 1


@dataclass(frozen=True)
class Ground:
    """A checked backend with its queues registered."""

    backend: Backend
    registry: Registry
    consumers: list[Consumer]
    notifies: bool


def assemble_outbox(options: Options) -> Outbox:
    """Open a producer."""
    ground = prepare(options, PRODUCER_CONNECTIONS)
    return make_outbox(options, ground, None)


def assemble_pipeline(options: Options, stopping: threading.Event) -> tuple[Outbox, Pipeline, bool]:
    """Open a producer and wire a pipeline behind it; no thread runs yet."""
    check_consumed(options)
    threads = options.processors + options.sequencers + SERVICE_CONNECTIONS
    if options.quarantine is not None:
        threads += 1
    ground = prepare(options, threads - CONNECTIONS_APART + PRODUCER_CONNECTIONS)
    settings = options.pipeline_settings(announce=ground.notifies)
    pipeline = Pipeline(ground.backend, ground.consumers, settings, stopping=stopping.is_set)
    return make_outbox(options, ground, pipeline.signals), pipeline, ground.notifies


def make_outbox(options: Options, ground: Ground, signals: Signals | None) -> Outbox:
    """Make the producer's side; ``signals`` lead to the workers of this process, if there are any."""
    notifier = Notifier(ground.backend) if ground.notifies else None
    return Outbox(
        ground.backend,
        ground.registry,
        Wakers(signals, notifier),
        settings=options.producer_settings,
        consumers=ground.consumers,
        pipeline_settings=options.pipeline_settings(announce=ground.notifies),
    )


def assemble_handle(options: Options) -> OutboxHandle:
    """Start the workers."""
    stopping = threading.Event()
    outbox, pipeline, notifies = assemble_pipeline(options, stopping)
    try:
        label = "" if options.prefix == "outbox" else f"{options.prefix}-"
        workers = build_workers(
            pipeline, stopping, listen=notifies, stats_interval=options.stats_interval, label=label
        )
        workers.start()
    except BaseException:
        outbox.close()
        raise
    return OutboxHandle(outbox, pipeline, workers)


def prepare(options: Options, pool_size: int) -> Ground:
    """Connect, check server and tables, register the queues; leaves nothing open when it raises."""
    backend = open_backend(
        options.target, naming=options.naming, pool_size=pool_size, listen_url=options.listen_url
    )
    try:
        backend.check_server()
        check_schema(backend)
        notifies = wants_notify(options, backend)
        registry = Registry()
        consumers = []
        for declaration in options.declarations:
            partition_ids = register(backend, registry, declaration.queue, declaration.partitions)
            if declaration.consumed:
                consumers.append(declaration.consumer(partition_ids, options.profile))
        return Ground(backend, registry, consumers, notifies)
    except BaseException:
        backend.close()
        raise


def wants_notify(options: Options, backend: Backend) -> bool:
    """Decide whether processes wake each other by NOTIFY."""
    if options.wakeup == "notify" and not backend.can_notify:
        raise ConfigurationError("wakeup", "notify", f"{backend.name} has no notifications; use auto or poll")
    return backend.can_notify and options.wakeup != "poll"


def check_consumed(options: Options) -> None:
    """Refuse to start workers that would have nothing to do, or that may lack a handler."""
    for declaration in options.declarations:
        if not declaration.decided:
            problem = "nobody consumes it; give it a handler, or say enqueue_only()"
            raise ConfigurationError("queue", declaration.queue, problem)
    if not any(declaration.consumed for declaration in options.declarations):
        problem = "no queue has a handler; declare one, or use open() to enqueue only"
        raise ConfigurationError("queue", [d.queue for d in options.declarations], problem)
