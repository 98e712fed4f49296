"""Producers produce, or do not, while workers work, until the tables are empty again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.load import Load
from benchmarks.measure import Observer, Phase
from benchmarks.servers import connect
from benchmarks.workloads.ledger import Ledger, check
from benchmarks.workloads.producers import produce
from benchmarks.workloads.tables import Tables
from benchmarks.workloads.workers import OtherWorkers

WARM_UP = 2_000
DEAD_ROWS = "SELECT sum(n_dead_tup)::bigint FROM pg_stat_user_tables"


def run(url: str, load: Load) -> None:
    """Print one phase: ``together``, or ``enqueue`` without consumers."""
    with load.open(url) as outbox:
        if not load.consume:
            produce(outbox, url, load.replace(messages=warm_up(load)))
            with Observer(url) as observer:
                with observer.phase("enqueue", load.messages) as phase:
                    produce(outbox, url, load)
                print(phase.to_line())
            return
    work(url, load)


def work(url: str, load: Load) -> None:
    """Measure with workers."""
    ledger = Ledger()
    with ExitStack() as stack:
        tables = stack.enter_context(Tables(url))
        others = stack.enter_context(OtherWorkers(url, load))
        handle = stack.enter_context(load.declare(url, lambda q: q.leased_batch(ledger.receive)).start())
        first = warm_up(load)
        produce(handle.outbox, url, load.replace(messages=first))
        tables.wait_until_empty(first)
        if load.hold:
            stack.enter_context(held_open(url))
        observer = stack.enter_context(Observer(url))
        with observer.phase("together", load.messages) as phase:
            before = ledger.count
            began = time.monotonic()
            produce(handle.outbox, url, load)
            produced = time.monotonic() - began
            delivered = ledger.count - before
            if load.processes == 1:
                ledger.wait(first + load.messages)
                note(phase, "delivered", time.monotonic() - began)
            tables.wait_until_empty(first + load.messages)
            observer.stop_clock(phase)
            seen = others.stop()
            handle.stop()
            if load.hold:
                phase.extra["dead_rows"] = tables.value(DEAD_ROWS)
        note(phase, "produced", produced)
        phase.extra["delivered_while_producing"] = delivered / produced
        phase.extra["counters"] = handle.stats().counters
        check([ledger.ranges, *seen], first + load.messages)
        tables.check_empty()
        print(phase.to_line())


def warm_up(load: Load) -> int:
    """Return how many messages go before: connections are open then, and statements prepared."""
    return min(WARM_UP, max(load.messages // 10, load.batch * load.producers))


@contextmanager
def held_open(url: str) -> Iterator[None]:
    """Keep a transaction with a snapshot open, as a forgotten session or a long report does."""
    connection = connect(url, autocommit=False)
    cursor = connection.cursor()
    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    cursor.execute("SELECT count(*) FROM outbox_partitions")
    cursor.fetchall()
    yield
    connection.close()


def note(phase: Phase, what: str, seconds: float) -> None:
    """Write down a rate of the phase's messages over a time of its own."""
    phase.extra[what] = phase.messages / seconds
