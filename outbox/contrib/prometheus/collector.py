"""What the tables hold, read when Prometheus asks."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from outbox.contrib.extras import missing
from outbox.dead_letters.letter import DeadLetterStatus
from outbox.errors import OutboxError
from outbox.facade.gauges import Attendance, PartitionGauges, read_gauges
from outbox.facade.outbox import Outbox

try:
    from prometheus_client.core import GaugeMetricFamily
    from prometheus_client.registry import Collector
except ImportError as error:
    raise missing("prometheus_client", "prometheus") from error

log = logging.getLogger("outbox.prometheus")

GAUGES: Final = {
    "backlog_messages": "Committed messages that are not delivered yet, delayed and parked ones left out.",
    "delayed_messages": "Messages that are not due yet.",
    "parked_messages": "Messages of parked keys.",
    "oldest_message_age_seconds": "Age of the oldest message that is not delivered yet; 0 without one.",
    "partitions": "Partitions of the queue.",
    "failing_partitions": "Partitions whose first message has failed.",
    "unattended_partitions": "Partitions with work that no worker has taken for a minute.",
    "paused_partitions": "Partitions that are paused.",
    "leased_partitions": "Partitions that a worker holds by a lease.",
}


class StatusCollector(Collector):
    """A collector of gauges for one process: the tables are the same for all, and gauges add up.

    Every scrape reads the tables with a handful of statements, whose work is bounded.
    While the database cannot be read, ``outbox_up`` is 0 and the other gauges are missing.
    """

    def __init__(self, outbox: Outbox, *, namespace: str = "outbox") -> None:
        """Read the tables of an opened outbox; give the collector to ``registry.register``."""
        self._outbox = outbox
        self._namespace = namespace
        self._attendance = Attendance()
        # One reading at a time, however many scrapers there are.
        self._lock = threading.Lock()

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name the gauges without reading the tables: that is what a registry asks for first."""
        return [self._up(), *self._families().values(), self._letters()]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read the tables."""
        with self._lock:
            up = self._up()
            try:
                partitions = read_gauges(self._outbox.backend)
            except OutboxError as error:
                log.warning("the tables cannot be read: %s", error, extra={"event": "outbox.scrape_failed"})
                up.add_metric([], 0.0)
                yield up
                return
            up.add_metric([], 1.0)
            unattended = self._attendance.unattended(partitions)
        yield up
        yield from self._filled(partitions, unattended)

    def _filled(self, partitions: list[PartitionGauges], unattended: set[int]) -> Iterator[GaugeMetricFamily]:
        queues: defaultdict[str, list[PartitionGauges]] = defaultdict(list)
        for partition in partitions:
            queues[partition.queue].append(partition)
        families, letters = self._families(), self._letters()
        for queue, rows in queues.items():
            for name, value in values_of(rows, unattended).items():
                families[name].add_metric([queue], value)
            for status in DeadLetterStatus:
                count = sum(row.dead_letters.get(status, 0) for row in rows)
                letters.add_metric([queue, status.value], count)
        yield from families.values()
        yield letters

    def _up(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"{self._namespace}_up", "Whether the tables can be read.")

    def _families(self) -> dict[str, GaugeMetricFamily]:
        return {
            name: GaugeMetricFamily(f"{self._namespace}_{name}", text, labels=["queue"])
            for name, text in GAUGES.items()
        }

    def _letters(self) -> GaugeMetricFamily:
        name = f"{self._namespace}_dead_letters"
        return GaugeMetricFamily(name, "Dead letters by status.", labels=["queue", "status"])


def values_of(rows: list[PartitionGauges], unattended: set[int]) -> dict[str, float]:
    """Return the gauges of a queue, from those of its partitions."""
    return {
        "backlog_messages": sum(row.incoming + row.backlog for row in rows),
        "delayed_messages": sum(row.delayed for row in rows),
        "parked_messages": sum(row.parked for row in rows),
        "oldest_message_age_seconds": max(row.oldest_age or 0.0 for row in rows),
        "partitions": len(rows),
        "failing_partitions": sum(row.is_failing for row in rows),
        "unattended_partitions": sum(row.partition_id in unattended for row in rows),
        "paused_partitions": sum(row.paused for row in rows),
        "leased_partitions": sum(row.is_leased for row in rows),
    }
