"""Metrics for Prometheus: what this process does from its events, what the tables hold from one process.

Install the extra ``prometheus``. `PrometheusObserver` belongs into every process, `StatusCollector` into one:
the tables are the same for all. Both are imported when they are asked for: the command line, which has
``outbox metrics`` among others, needs no extra.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outbox.contrib.prometheus.collector import StatusCollector
    from outbox.contrib.prometheus.observer import PrometheusObserver

__all__ = ["PrometheusObserver", "StatusCollector"]
PLACES = {"PrometheusObserver": "observer", "StatusCollector": "collector"}


def __getattr__(name: str) -> Any:
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{PLACES[name]}"), name)
