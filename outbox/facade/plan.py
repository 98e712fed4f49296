"""How many threads and connections processes of workers take."""

from __future__ import annotations

from dataclasses import dataclass

from outbox.backends.connect import is_postgresql
from outbox.facade.assembly import CONNECTIONS_APART, worker_connections
from outbox.facade.options import Options

# Vacuum, reconciler, lease keeper, watchdog.
SERVICE_THREADS = 4
# Of psycopg's pool, which a URL makes: three that connect, and a scheduler.
POOL_THREADS = 4
# One that listens, and one that notifies.
WAKEUP_CONNECTIONS = 2


@dataclass(frozen=True)
class Plan:
    """What some processes with one declaration take."""

    processes: int
    threads: int
    """Of each process, the main thread and those of the application left out."""
    pool: int
    """Connections of each process's pool, at most; opened when they are needed."""
    apart: int
    """Connections of each process that come from no pool: the lease keeper's, and those of wake-ups."""

    @property
    def connections(self) -> int:
        """Of all processes, at most."""
        return self.processes * (self.pool + self.apart)


def make_plan(options: Options, processes: int) -> Plan:
    """Count for a number of processes that each `OutboxBuilder.start` these options.

    Handlers that open connections of their own need theirs besides.
    """
    postgresql = is_postgresql(options.target)
    notifies = postgresql and options.wakeup != "poll"
    optional = (options.quarantine is not None, options.stats_interval > 0, notifies)
    return Plan(
        processes,
        options.processors
        + options.sequencers
        + SERVICE_THREADS
        + sum(optional)
        + (POOL_THREADS if postgresql and isinstance(options.target, str) else 0),
        worker_connections(options) - CONNECTIONS_APART + options.producer_connections,
        CONNECTIONS_APART + (WAKEUP_CONNECTIONS if notifies else 0),
    )
