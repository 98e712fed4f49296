"""The shipped rules and dashboard, judged by Prometheus itself."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from prometheus_client import CollectorRegistry, start_http_server

import outbox.contrib.prometheus
from outbox.contrib.prometheus import StatusCollector
from tests.acceptance.bench import Bench, builder_for
from tests.acceptance.bench.fixtures import bench
from tests.contrib.prometheus.test_observer import count_some, documented
from tests.servers.ports import free_port
from tests.support import Spawn, eventually

__all__ = ["bench"]
pytestmark = [pytest.mark.tools, pytest.mark.backends("sqlite")]
SHIPPED = Path(outbox.contrib.prometheus.__file__).parent
RULES = SHIPPED / "rules.yml"

# Each alert, the series that raise it and when; before that and without them it is quiet.
RAISED = {
    "OutboxMessagesWait": ("10m", ['outbox_oldest_message_age_seconds{queue="orders"} 400+0x20']),
    "OutboxPartitionsUnattended": ("10m", ['outbox_unattended_partitions{queue="orders"} 1+0x20']),
    "OutboxPartitionsFail": ("20m", ['outbox_failing_partitions{queue="orders"} 2+0x20']),
    "OutboxDeadLetters": ("5m", ['outbox_dead_letters{queue="orders",status="pending"} 1+0x20']),
    "OutboxParkedMessages": ("20m", ['outbox_parked_messages{queue="orders"} 3+0x20']),
    "OutboxLeasesLost": ("25m", ['outbox_lost_leases_total{queue="orders"} 0+6x30']),
    "OutboxRetries": (
        "30m",
        [
            'outbox_messages_total{queue="orders",outcome="retry"} 0+50x30',
            'outbox_messages_total{queue="orders",outcome="success"} 0+10x30',
        ],
    ),
    "OutboxWorkersFail": ("15m", ['outbox_worker_failures_total{worker="outbox-processor"} 0+12x30']),
    "OutboxTablesUnreadable": ("5m", ["outbox_up 0+0x20"]),
}


def expectations(alert: str, raised: bool) -> dict[str, Any]:
    when, series = RAISED[alert]
    given = [dict(zip(("series", "values"), line.rsplit(" ", 1), strict=True)) for line in series]
    return {"when": when, "series": given if raised else [], "alert": alert}


def firing(tmp_path: Path, series: list[str], when: str) -> set[str]:
    """Return the alerts that fire, as promtool's own evaluation has it: each wrong guess names them."""
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    dict(zip(("series", "values"), line.rsplit(" ", 1), strict=True)) for line in series
                ],
                "promql_expr_test": [
                    {"expr": "count by (alertname) (ALERTS{alertstate='firing'})", "eval_time": when}
                ],
            }
        ],
    }
    path = tmp_path / "test.yml"
    path.write_text(json.dumps(test))  # JSON is YAML
    done = subprocess.run(
        ["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False
    )
    return set(re.findall(r'alertname="(\w+)"', done.stdout + done.stderr))


def test_promtool_takes_the_rules() -> None:
    subprocess.run(["promtool", "check", "rules", str(RULES)], check=True, capture_output=True)


def test_every_alert_is_raised_by_what_it_is_for_and_by_nothing_else(tmp_path: Path) -> None:
    assert set(RAISED) == set(re.findall(r"alert: (\w+)", RULES.read_text()))
    for alert, (when, series) in RAISED.items():
        assert firing(tmp_path, series, when) == {alert}
        assert firing(tmp_path, [re.sub(r" [\d+]+x", " 0+0x", line) for line in series], when) <= {
            "OutboxTablesUnreadable"
        }


def test_a_queue_that_is_paused_may_wait(tmp_path: Path) -> None:
    when, series = RAISED["OutboxMessagesWait"]
    assert firing(tmp_path, [*series, 'outbox_paused_partitions{queue="orders"} 4+0x20'], when) == set()


@pytest.fixture
def scraped(bench: Bench, spawn: Spawn, tmp_path: Path) -> Iterator[int]:
    """Yield the port of a Prometheus that scrapes a process with messages of every kind."""
    registry = CollectorRegistry()
    count_some(bench, registry)
    with builder_for(bench.database.url, lambda queue: queue.enqueue_only()).open() as box:
        registry.register(StatusCollector(box))
        server, thread = start_http_server(0, "127.0.0.1", registry=registry)
        port = free_port()
        (tmp_path / "prometheus.yml").write_text(
            f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{RULES}]\n"
            f"scrape_configs: [{{job_name: outbox, static_configs: [{{targets: ['127.0.0.1:{server.server_port}']}}]}}]\n"
        )
        spawn.command(
            "prometheus",
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        )
        yield port
        server.shutdown()
        server.server_close()
        thread.join()


def query(port: int, expression: str) -> list[Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", f"/api/v1/query?query={quote(expression)}&time={time.time()}")
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    assert answer["status"] == "success", answer
    return list(answer["data"]["result"])


def test_a_prometheus_scrapes_it_and_every_panel_of_the_dashboard_has_data(scraped: int) -> None:
    def up() -> bool:
        try:
            # Two scrapes make a rate.
            return query(scraped, "count_over_time(outbox_up[1m]) >= 2") != []
        except (OSError, ValueError):  # it starts
            return False

    eventually(up, 30)
    dashboard = json.loads((SHIPPED / "dashboard.json").read_text())
    empty = []
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            expression = target["expr"].replace("$queue", ".*").replace("$__rate_interval", "1m")
            names = {re.sub("_bucket$", "", name) for name in re.findall(r"outbox_\w+", expression)}
            assert names <= set(documented()), panel["title"]
            if not query(scraped, expression):
                empty.append((panel["title"], target["legendFormat"]))
    # What this process has none of, by the labels of its own.
    assert empty == [
        ("Backlog by queue", "{{queue}} delayed"),
        ("Backlog by queue", "{{queue}} parked"),
        ("Lost leases", "{{queue}}"),
        ("Failed rounds of workers", "{{worker}}"),
    ]
    assert [alert["metric"]["alertname"] for alert in query(scraped, "ALERTS{alertstate='pending'}")] == [
        "OutboxDeadLetters"
    ]
