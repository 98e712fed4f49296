"""Counters and histograms tell what happened, with labels that are an API."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from outbox import HandlerResult, OutboxMessage, Reject, Retry, WorkerTuning, events
from outbox.contrib.prometheus import PrometheusObserver
from outbox.contrib.prometheus.collector import GAUGES
from tests.acceptance.bench import Bench, all_delivered
from tests.acceptance.bench.fixtures import bench
from tests.support import Spawn, eventually

__all__ = ["bench"]
pytestmark = pytest.mark.backends("sqlite")
PAGE = Path(__file__).parents[3] / "docs" / "prometheus.md"


def ship(msg: OutboxMessage) -> HandlerResult:
    text = msg.json()
    if text == "bad":
        return Reject("no address")
    if text == "slow" and msg.attempts == 0:
        return Retry("not yet", delay=0.0)
    if text == "broken" and msg.attempts == 0:
        raise KeyError("lines")
    return None


def count_some(bench: Bench, registry: CollectorRegistry) -> None:
    """Deliver one message, and three with trouble."""
    observer = PrometheusObserver(registry)
    options = {"observe": observer, "processor_tuning": WorkerTuning.processor().retry_base(0.01)}
    handle = bench.on_threads(lambda queue: queue.leased(ship, max_attempts=3), **options)
    for text in ("a", "bad", "slow", "broken"):
        handle.outbox.enqueue_now("orders", text, partition=0)
    eventually(lambda: all_delivered(handle.outbox))
    handle.stop()


def test_what_becomes_of_messages_is_counted(bench: Bench) -> None:
    registry = CollectorRegistry()
    count_some(bench, registry)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"queue": "orders", **labels})

    assert value("outbox_enqueued_messages_total") == 4
    assert value("outbox_messages_total", outcome="success") == 3
    assert value("outbox_messages_total", outcome="dead_lettered") == 1
    assert value("outbox_messages_total", outcome="retry") == 2
    assert value("outbox_handler_errors_total", error="KeyError") == 1
    assert (value("outbox_handler_seconds_count") or 0) >= 3
    assert (value("outbox_delivery_delay_seconds_count") or 0) >= 3
    assert (value("outbox_delivery_delay_seconds_sum") or 0) < 60


def test_an_event_of_a_later_release_is_passed_over() -> None:
    class Later(events.Event):
        name = "outbox.later"

    PrometheusObserver(CollectorRegistry())(Later())


def test_threads_of_one_kind_count_together() -> None:
    registry = CollectorRegistry()
    observer = PrometheusObserver(registry, namespace="shop")
    for number in range(3):
        observer(
            events.WorkerFailed(
                worker=f"outbox-processor-{number}", failures=1, retry_in=0.1, error=OSError()
            )
        )
    assert registry.get_sample_value("shop_worker_failures_total", {"worker": "outbox-processor"}) == 3


def documented() -> dict[str, set[str]]:
    """Return the labels of each metric, as the page has them."""
    rows = re.findall(r"^\| `(outbox_\w+)` \|([^|]*)\|", PAGE.read_text(), re.MULTILINE)
    return {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}


def test_every_metric_and_its_labels_are_documented() -> None:
    registry = CollectorRegistry()
    observer = PrometheusObserver(registry)
    own = {
        f"outbox_{metric._name.removeprefix('outbox_')}"
        + ("_total" if metric._type == "counter" else ""): set(metric._labelnames)
        for metric in vars(observer).values()
        if hasattr(metric, "_labelnames")
    }
    gauges = {f"outbox_{name}": {"queue"} for name in GAUGES}
    assert documented() == {
        **own,
        **gauges,
        "outbox_up": set(),
        "outbox_dead_letters": {"queue", "status"},
    }


def count_in_a_worker(count: int) -> None:
    """Run in a child, as a worker of gunicorn is one."""
    observer = PrometheusObserver()
    observer(events.Enqueued(queue="orders", count=count, message_ids=(), partitions=()))
    observer(
        events.Delivered(
            queue="orders",
            partition=0,
            partition_id=1,
            mode="leased",
            outcome="success",
            first_seq=1,
            count=count,
            dead_lettered=0,
            first_message_id=1,
            attempts=0,
            seconds=0.2,
            waited=1.0,
        )
    )


def show_all_workers() -> None:
    from prometheus_client import multiprocess

    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    print(generate_latest(registry).decode())


@pytest.mark.mp
def test_in_the_librarys_multiprocess_mode_processes_add_up(
    spawn: Spawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    spawn(count_in_a_worker, 2).succeed()
    spawn(count_in_a_worker, 3).succeed()
    shown = spawn(show_all_workers).succeed()
    assert 'outbox_enqueued_messages_total{queue="orders"} 5.0' in shown
    assert 'outbox_messages_total{outcome="success",queue="orders"} 5.0' in shown
    assert 'outbox_handler_seconds_count{queue="orders"} 2.0' in shown
