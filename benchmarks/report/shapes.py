"""What must not change with the shape of the load."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.report.claim import Claim
from benchmarks.report.targets import PG, cost, extra, rate, ratio


def long() -> Iterator[Claim]:
    """Yield what the long run shows."""
    backlog = ratio(rate(f"{PG}/backlog 1000000", "drain"), rate(f"{PG}/backlog 10000", "drain"))
    yield Claim("drain of 1 000 000", "of the rate with 10 000", 0.85, "%", backlog)
    few, many = f"{PG}/4 partitions", f"{PG}/640 partitions"
    same = ratio(rate(many, "together"), rate(few, "together"))
    row = "640 partitions"
    yield Claim(row, "of the rate with 4", 0.8, "%", same)
    threads = ratio(extra(f"{many} idle", "idle", "threads"), extra(f"{few} idle", "idle", "threads"))
    yield Claim(row, "threads, of those with 4", 1, "%", threads, at_most=True)
    idle = cost(f"{many} idle", "statements", "idle")
    # Polling is jittered, and the measuring itself takes one.
    yield Claim(row, "statements a second when idle", 1.3, "", idle, at_most=True)
    held = ratio(
        rate(f"{PG}/transaction held open", "together"), rate(f"{PG}/no transaction held open", "together")
    )
    yield Claim("a transaction held open for the whole run", "of the undisturbed rate", None, "%", held)
    dead = extra(f"{PG}/transaction held open", "together", "dead_rows")
    yield Claim("a transaction held open for the whole run", "dead rows at its end", None, "", dead)
    for processes in (2, 4):
        share = ratio(rate(f"{PG}/{processes} processes", "together"), rate(f"{PG}/1 processes", "together"))
        yield Claim(f"{processes} worker processes", "of the rate of one", None, "%", share)
    for queues in (10, 100):
        share = ratio(rate(f"{PG}/{queues} queues", "together"), rate(f"{PG}/together", "together"))
        yield Claim(f"{queues} queues of 16 partitions", "of the rate of one of 64", None, "%", share)
