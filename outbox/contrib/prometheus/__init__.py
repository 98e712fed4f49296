"""Metrics for Prometheus: what this process does from its events, what the tables hold from one process.

Install the extra ``prometheus``. `PrometheusObserver` belongs into every process, `StatusCollector` into one:
the tables are the same for all.
"""

from outbox.contrib.prometheus.collector import StatusCollector
from outbox.contrib.prometheus.observer import PrometheusObserver

__all__ = ["PrometheusObserver", "StatusCollector"]
