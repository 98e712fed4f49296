"""What is measured: the jobs of a run."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.job import Job, other_library, workload
from benchmarks.load import Load
from benchmarks.peers.catalogue import CATALOGUE, missing

POSTGRESQL = "postgresql"
BACKENDS = ("postgresql", "sqlite", "mysql", "mariadb")
PROFILES = ("adaptive", "high_throughput")
# Turns as large as the library's largest.
BARE = Load(group=16, limit=250)
CROWDS = {
    "1p1c": Load(),
    "16p16c": Load(producers=16),
    "4q16p16c": Load(producers=16, queues=4),
}
LIGHT = Load(messages=200, partitions=4)


def core() -> Iterator[Job]:
    """Yield what the table of targets needs, and the throughput profiles."""
    yield from _stages()
    yield from _crowds()
    yield from _latencies()
    for backend in BACKENDS:
        yield workload("transactional", backend, "transactional", Load(messages=10_000))
    yield from _drains()


def peers() -> Iterator[Job]:
    """Yield the other libraries: 20 000 messages of 100 bytes, one worker, a handler that does nothing."""
    for name, entry in CATALOGUE.items():
        if not missing(name):
            yield other_library(name, entry.backend)


def missing_peers() -> list[str]:
    """Return a sentence for each that is not installed."""
    return [said for name in CATALOGUE if (said := missing(name))]


def long() -> Iterator[Job]:
    """Yield the shapes: what changes with backlog, partitions, queues, processes and open transactions."""
    for messages in (10_000, 1_000_000):
        yield workload(f"backlog {messages}", POSTGRESQL, "drain", Load(messages=messages, batch=1_000))
    crowd = Load(messages=100_000, producers=16)
    for shape in (crowd.replace(partitions=4), crowd.replace(queues=10)):
        name = f"{shape.queues * shape.partitions} partitions"
        yield workload(name, POSTGRESQL, "together", shape)
        yield workload(f"{name} idle", POSTGRESQL, "idle", shape)
    for hold in (False, True):
        shape = crowd.replace(messages=200_000, hold=hold)
        name = "transaction held open" if hold else "no transaction held open"
        yield workload(name, POSTGRESQL, "together", shape)
    for processes in (1, 2, 4):
        yield workload(f"{processes} processes", POSTGRESQL, "together", crowd.replace(processes=processes))
    for queues in (10, 100):
        shape = crowd.replace(queues=queues, partitions=16)
        yield workload(f"{queues} queues", POSTGRESQL, "together", shape)
    for backend in BACKENDS:
        shape = crowd.replace(messages=1_000_000)
        yield workload("a million", backend, "together", shape)
        yield workload("two instances", backend, "together", shape.replace(messages=50_000, processes=2))


def _stages() -> Iterator[Job]:
    """Yield yardsticks, and what is compared with them close by."""
    for backend in BACKENDS:
        # Enough that the last rest of the vacuum, at most 0.2 s, hardly counts.
        messages = 100_000
        yield workload("yardstick", backend, "yardstick", Load())
        if backend == POSTGRESQL:
            yield from _producers()
        yield workload("bare", backend, "bare", BARE.replace(messages=messages))
        yield workload("stages", backend, "stages", Load(messages=messages))
        yield workload("together", backend, "together", Load(messages=messages, producers=16))
        if backend == POSTGRESQL:
            # So long that what the first pass waits for and what the last one leaves hardly count.
            yield workload("sustained", backend, "together", Load(messages=4 * messages, producers=16))


def _producers() -> Iterator[Job]:
    """Yield enqueueing alone."""
    for producers, messages in ((1, 4_000), (16, 16_000)):
        for wakeup in ("notify", "poll"):
            alone = Load(messages=messages, producers=producers, batch=1, consume=False, wakeup=wakeup)
            name = f"{producers} producer{'s' * (producers > 1)}, {wakeup}"
            yield workload(name, POSTGRESQL, "together", alone)
    yield workload("enqueue 100", POSTGRESQL, "together", Load(messages=100_000, consume=False))


def _crowds() -> Iterator[Job]:
    """Yield the throughput benchmark: producers and workers at once, until the tables are empty."""
    for name, shape in CROWDS.items():
        for profile in PROFILES:
            single = shape.replace(profile=profile, batch=1, messages=4_000 * min(shape.producers, 4))
            batches = shape.replace(profile=profile, messages=50_000)
            yield workload(f"{name} {profile} 1", POSTGRESQL, "together", single)
            yield workload(f"{name} {profile} 100", POSTGRESQL, "together", batches)


def _drains() -> Iterator[Job]:
    yield workload("drain 100000", POSTGRESQL, "drain", Load(messages=100_000))
    for backend in BACKENDS:
        yield workload("drain", backend, "drain", Load())


def _latencies() -> Iterator[Job]:
    for backend in BACKENDS:
        yield workload("latency in process", backend, "latency", LIGHT)
    other = LIGHT.replace(elsewhere=True)
    yield workload("latency other process, notify", POSTGRESQL, "latency", other)
    yield workload("latency other process, poll", POSTGRESQL, "latency", other.replace(wakeup="poll"))
