"""What the library has to reach on PostgreSQL with durable defaults, as ratios in one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.report.claim import Claim
from benchmarks.report.figures import Figures, Missing

STAGES = ("enqueue", "sequence", "process", "vacuum")
PG = "postgresql"
Measure = Callable[[Figures], float]


def core() -> Iterator[Claim]:
    """Yield the rows of the table."""
    yield from _drain()
    yield from _together()
    yield from _enqueue()
    yield from _single_messages()
    yield from _cost()
    yield from _latency()
    yield from _other_modes()


def ratio(over: Measure, under: Measure) -> Measure:
    """Return a measure divided by another."""
    return lambda figures: over(figures) / under(figures)


def rate(job: str, *phases: str) -> Measure:
    return lambda figures: figures.rate(job, *phases)


def extra(job: str, phase: str, *path: str) -> Measure:
    return lambda figures: figures.extra(job, phase, *path)


def cost(job: str, figure: str, *phases: str) -> Measure:
    return lambda figures: figures.cost(job, figure, *phases)


def beyond(job: str, alone: str, figure: str) -> Measure:
    """Return what a message costs with workers beyond what its enqueue alone costs."""
    return lambda figures: figures.cost(job, figure, "together") - figures.cost(alone, figure, "enqueue")


def peers(figures: Figures) -> list[str]:
    """Return the jobs of the PostgreSQL peers that were measured."""
    found = [key for key in figures.keys() if key.startswith(f"{PG}/peer ")]  # noqa: SIM118 - no mapping
    if not found:
        raise Missing("any peer")
    return found


def _drain() -> Iterator[Claim]:
    row = "drain by one process, handler per message, batches of 500"
    ours = rate(f"{PG}/drain", "drain")
    for name, times in (("pgqueuer", 3), ("procrastinate", 40)):
        yield Claim(row, f"of {name}", times, "x", ratio(ours, rate(f"{PG}/peer {name}", "drain")))
    steady = rate(f"{PG}/drain 100000", "drain")
    yield Claim(
        row, "of the bare script", 0.75, "%", ratio(steady, rate(f"{PG}/bare", "sequence", "process"))
    )


def _together() -> Iterator[Claim]:
    row = "all four stages at once, 16 producers, batches of 100"
    bare = rate(f"{PG}/bare", *STAGES)
    job = f"{PG}/together"
    yield Claim(row, "until empty, of the bare script", 1, "%", ratio(rate(job, "together"), bare))
    producing = extra(f"{PG}/sustained", "together", "delivered_while_producing")
    yield Claim(row, "delivered while producing, of the bare script", 1.5, "%", ratio(producing, bare))


def _enqueue() -> Iterator[Claim]:
    def fastest(figures: Figures) -> float:
        return max(figures.rate(peer, "enqueue_batch") for peer in peers(figures))

    many = rate(f"{PG}/enqueue 100", "enqueue")
    yield Claim("enqueue, batches of 100", "of the fastest peer", 1, "%", ratio(many, fastest))
    single = rate(f"{PG}/yardstick", "insert_1")
    for how in ("notify", "poll"):
        one = rate(f"{PG}/1 producer, {how}", "enqueue")
        what = f"{how}: of a plain insert with its commit"
        yield Claim("enqueue, one a transaction", what, 0.9, "%", ratio(one, single))
    notify, poll = (rate(f"{PG}/16 producers, {how}", "enqueue") for how in ("notify", "poll"))
    yield Claim("enqueue, 16 producers, one a transaction", "notify, of poll", 0.95, "%", ratio(notify, poll))


def _single_messages() -> Iterator[Claim]:
    row = "one producer, one message a transaction, workers in the same process"
    # Where no worker has to be woken, the enqueue alone is what is measured: BEGIN, one statement, COMMIT.
    job, alone = f"{PG}/1p1c adaptive 1", f"{PG}/1 producer, poll"
    kept = ratio(extra(job, "together", "produced"), rate(alone, "enqueue"))
    yield Claim(row, "the producer keeps of its rate", 0.8, "%", kept)
    yield Claim(row, "beyond the enqueue", 0.5, "statements", beyond(job, alone, "statements"), at_most=True)
    yield Claim(row, "beyond the enqueue", 1_000, "bytes", beyond(job, alone, "log_bytes"), at_most=True)
    row = "the same with 16 producers"
    job, alone = f"{PG}/16p16c adaptive 1", f"{PG}/16 producers, poll"
    keeps_up = ratio(extra(job, "together", "delivered_while_producing"), extra(job, "together", "produced"))
    yield Claim(row, "delivered while producing, of what is produced", 0.95, "%", keeps_up)
    yield Claim(row, "beyond the enqueue", 0.2, "statements", beyond(job, alone, "statements"), at_most=True)
    yield Claim(row, "beyond the enqueue", 400, "bytes", beyond(job, alone, "log_bytes"), at_most=True)


def _cost() -> Iterator[Claim]:
    def leanest(figures: Figures) -> float:
        return min(figures.cost(peer, "log_bytes", "enqueue_batch", "drain") for peer in peers(figures))

    ours = cost(f"{PG}/stages", "log_bytes", *STAGES)
    yield Claim("log of a message, all four stages", "a message", 800, "bytes", ours, at_most=True)
    yield Claim(
        "log of a message, all four stages", "of the leanest peer", 1, "%", ratio(ours, leanest), at_most=True
    )
    client, server = (cost(f"{PG}/drain 100000", f"{who}_cpu", "drain") for who in ("client", "server"))
    row = "processor time of a message, drain"
    yield Claim(row, "client and server", 0.03, "ms", lambda f: client(f) + server(f), at_most=True)
    yield Claim(row, "client", 0.015, "ms", client, at_most=True)


def _latency() -> Iterator[Claim]:
    def ms(job: str, part: str) -> Measure:
        return extra(job, "latency", "after_commit", part)

    row = "commit to handler, 50 a second"
    other = f"{PG}/latency other process, notify"
    yield Claim(row, "PostgreSQL, other process, notify: p50", 3, "ms", ms(other, "p50"), at_most=True)
    yield Claim(row, "PostgreSQL, other process, notify: p99", 15, "ms", ms(other, "p99"), at_most=True)
    own = f"{PG}/latency in process"
    yield Claim(row, "PostgreSQL, in process: p50", 2, "ms", ms(own, "p50"), at_most=True)
    for backend in ("sqlite", "mysql", "mariadb"):
        own = f"{backend}/latency in process"
        yield Claim(row, f"{backend}, in process: p50", 3, "ms", ms(own, "p50"), at_most=True)


def _other_modes() -> Iterator[Claim]:
    job = f"{PG}/transactional"
    share = ratio(rate(job, "transactional"), rate(job, "inserts"))
    yield Claim("transactional, one insert a message", "of the bare inserts", 0.45, "%", share)
    for backend in ("mysql", "mariadb", "sqlite"):
        share = ratio(rate(f"{backend}/together", "together"), rate(f"{backend}/bare", *STAGES))
        row = f"{backend}, all four stages at once, 16 producers, batches of 100"
        yield Claim(row, "until empty, of the bare script", 0.5, "%", share)
    huey = rate("sqlite/peer huey", "drain")
    yield Claim("sqlite, drain", "of huey", 3, "x", ratio(rate("sqlite/drain", "drain"), huey))
