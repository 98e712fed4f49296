"""From options to running parts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import NoReturn

from outbox.access import right_place
from outbox.backends.connect import open_backend, size_of_users_pool
from outbox.backends.protocol import Backend
from outbox.clock import Clock, monotonic
from outbox.dead_letters import DeadLetters
from outbox.errors import ConfigurationError
from outbox.events import DeadLettered, HandlerFailed, Observer, Retried
from outbox.facade.given import on_given
from outbox.facade.ground_watch import GroundWatch
from outbox.facade.handle import OutboxHandle
from outbox.facade.kept import keep
from outbox.facade.opened import OpenedBackend
from outbox.facade.options import Options
from outbox.facade.outbox import Outbox
from outbox.facade.preparing import Preparing
from outbox.facade.registry import Registry, register
from outbox.facade.threads import build_workers
from outbox.facade.transaction_share import TransactionShare
from outbox.installation import Installation
from outbox.queues.rules import Rules
from outbox.runtime.observers import Observers
from outbox.schema import check_file, check_schema
from outbox.wakeups.flush_buffer import FlushBuffer
from outbox.wakeups.notifier import Notifier
from outbox.wakeups.stages import StageWakeups
from outbox.workers.consumer import Consumer
from outbox.workers.ground import Ground
from outbox.workers.log_lines import LogLines
from outbox.workers.pipeline import Pipeline

# Vacuum, reconciler, lease keeper.
SERVICE_CONNECTIONS = 3
# The lease keeper's comes from no pool.
CONNECTIONS_APART = 1
# What tells of a message that was not delivered.
FAILURES = (HandlerFailed, Retried, DeadLettered)


def assemble_outbox(options: Options) -> Outbox:
    """Open a producer."""
    return make_outbox(options, connect_and_register(options, options.producer_connections), None)


def assemble_pipeline(options: Options, stopping: threading.Event) -> tuple[Outbox, Pipeline, bool]:
    """Open a producer and wire a pipeline behind it; no thread runs yet."""
    check_consumed(options)
    pool_size = worker_connections(options) - CONNECTIONS_APART + options.producer_connections
    opened = connect_and_register(options, pool_size)
    pipeline = make_pipeline(options, opened, stopping=stopping.is_set)
    return make_outbox(options, opened, pipeline.stages), pipeline, opened.notifies


def worker_connections(options: Options) -> int:
    """Return how many connections the workers of a process use at most, wake-ups apart."""
    sweeper = 0 if options.quarantine is None else 1
    return options.processors + options.sequencers + SERVICE_CONNECTIONS + sweeper


def transactions_at_once(options: Options) -> int:
    """Return how many connections `Outbox.transaction` may lend beside the workers."""
    size = size_of_users_pool(options.target)
    if size is None:
        return options.producer_connections
    return max(1, min(options.producer_connections, size - worker_connections(options)))


def make_outbox(options: Options, opened: OpenedBackend, stages: StageWakeups | None) -> Outbox:
    """Make the producer's side; ``stages`` lead to the workers of this process, if there are any."""
    notifier = Notifier(opened.backend, opened.observers) if opened.notifies else None
    return Outbox(
        opened.backend,
        opened.registry,
        FlushBuffer(stages, notifier, opened.observers),
        opened.place,
        preparing=Preparing(
            max_payload_size=options.max_payload_size,
            header_sources=options.header_sources,
            codec=options.codec,
        ),
        require_transaction=options.require_transaction,
        make_pipeline=partial(make_pipeline, options, opened) if stages is None else refuse_to_drain,
        installation=opened.installation,
        share=TransactionShare(None if stages is None else transactions_at_once(options)),
        ground=GroundWatch(
            opened.registry, Ground(opened.backend, opened.installation, opened.rules.old_names)
        ),
    )


def make_pipeline(
    options: Options,
    opened: OpenedBackend,
    *,
    stopping: Callable[[], bool],
    change: Callable[[Consumer], Consumer] | None = None,
    queue_clock: Clock = monotonic,
    conn: object | None = None,
    observer: Observer | None = None,
) -> Pipeline:
    """Wire the stages behind an outbox; ``change`` may put another consumer in the place of each.

    With ``conn`` all of it runs on that connection, in the transaction that is open there. ``observer`` is
    told of failures. Raises `ConfigurationError` when no queue has a handler.
    """
    if not opened.consumers:
        raise nothing_consumed(options)
    if conn is not None:
        opened = on_given(options, opened, conn)
    return Pipeline(
        opened.backend,
        opened.consumers if change is None else [change(consumer) for consumer in opened.consumers],
        options.pipeline_settings(announce=opened.notifies),
        opened.observers if observer is None else opened.observers.plus(observer, FAILURES),
        installation=opened.installation,
        rules=opened.rules,
        renumbered=opened.registry.renumber,
        stopping=stopping,
        queue_clock=queue_clock,
    )


def refuse_to_drain(**_: object) -> NoReturn:
    """Refuse a second pipeline beside the workers of an outbox: it would take their messages."""
    problem = (
        "its workers are running and deliver by themselves; wait for what they do, or drain an outbox "
        "that open() made"
    )
    raise ConfigurationError("outbox", "that of a handle", problem)


def open_dead_letters(backend: Backend) -> DeadLetters:
    """Return the dead letters of a database for tools that have no outbox, such as the command line.

    Requeued messages wake the workers of other processes where the backend can.
    """
    observers = logging_observers()
    notifier = Notifier(backend, observers) if backend.can_notify else None
    return DeadLetters(backend, FlushBuffer(None, notifier, observers), lambda: None, Installation(backend))


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


def connect_and_register(options: Options, pool_size: int) -> OpenedBackend:
    """Connect, check server and tables, register the queues; leaves nothing open when it raises."""
    backend = open_backend(
        options.target, naming=options.naming, pool_size=pool_size, listen_url=options.listen_url
    )
    try:
        check_file(options.target, backend)
        backend.check_server()
        check_schema(backend)
        notifies = wants_notify(options, backend)
        registry = Registry()
        installation = Installation(backend)
        consumers = []
        for declaration in options.declarations:
            partition_ids = register(backend, registry, declaration.queue, declaration.partitions)
            if declaration.keep is not None:
                keep(backend)(declaration.queue, round(declaration.keep * 1_000_000) or None)
            if declaration.consumed:
                consumer = declaration.consumer(partition_ids, options.profile, options.wrappers)
                consumers.append(replace(consumer, names=installation, codec=options.codec))
        observers = logging_observers(options.observers)
        rules = Rules(backend)
        if consumers:
            # Before the first delivery: a hold is there so that nothing is sent.
            rules.compare(installation.refresh().revision)
        place = right_place(backend)
        # A handler may have sent its session elsewhere, by search_path or USE.
        backend.use(place.own_catalog())
        return OpenedBackend(backend, registry, consumers, place, notifies, observers, installation, rules)
    except BaseException:
        backend.close()
        raise


def logging_observers(users: Iterable[Observer] = ()) -> Observers:
    """Return the observers of an outbox: the library's log lines, then the user's."""
    lines = LogLines()
    return Observers(users, chosen=[(lines, lines.kinds)])


def wants_notify(options: Options, backend: Backend) -> bool:
    """Decide whether processes wake each other by NOTIFY."""
    if options.wakeup == "notify" and not backend.can_notify:
        raise ConfigurationError("wakeup", "notify", f"{backend.name} has no notifications; use auto or poll")
    return backend.can_notify and options.wakeup != "poll"


def check_consumed(options: Options) -> None:
    """Refuse to start workers that would have nothing to do, or that may lack a handler."""
    for declaration in options.declarations:
        if not declaration.decided:
            problem = "it has no handler; give it one, or say enqueue_only()"
            raise ConfigurationError("queue", declaration.queue, problem)
        if declaration.parks and options.quarantine is not None:
            problem = "it parks keys, and a quarantine gives messages up without them; use one of the two"
            raise ConfigurationError("queue", declaration.queue, problem)
    if not any(declaration.consumed for declaration in options.declarations):
        raise nothing_consumed(options)


def nothing_consumed(options: Options) -> ConfigurationError:
    """Make the error for an outbox whose queues have no handlers."""
    problem = "no queue has a handler; declare one, or use open() to enqueue only"
    names = ", ".join(d.queue for d in options.declarations) or "none"
    return ConfigurationError("queue", names, problem)
