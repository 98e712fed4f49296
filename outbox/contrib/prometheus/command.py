"""``outbox metrics``: the gauges of the tables, from one process."""

from __future__ import annotations

from importlib.resources import files

import click

from outbox.cli.commands import OutboxCommand, examples, pass_settings
from outbox.cli.exits import Exit
from outbox.cli.listening import ADDRESS, Address
from outbox.cli.output import emit
from outbox.cli.settings import Settings
from outbox.cli.signals import StopSignals
from outbox.cli.target import opened

# How often it looks for a signal.
LOOK_SECONDS = 1.0
SHIPPED = {"rules": "rules.yml", "dashboard": "dashboard.json"}


@click.command(
    cls=OutboxCommand,
    epilog=examples(
        "outbox metrics",
        "outbox metrics --listen 127.0.0.1:9187",
        "outbox metrics --show rules > outbox-rules.yml",
        "outbox metrics --show dashboard > outbox-dashboard.json",
    ),
)
@click.option("--listen", type=ADDRESS, metavar="HOST:PORT", help="Answer Prometheus there until a signal.")
@click.option(
    "--show", type=click.Choice(sorted(SHIPPED)), help="Print the alert rules, or a dashboard for Grafana."
)
@pass_settings
def metrics(settings: Settings, /, *, listen: Address | None, show: str | None) -> Exit:
    """Print gauges of the tables in Prometheus's format, or answer its scrapes.

    Run one of these for a database, not one in every process: the tables are the same for all. What each
    process does is counted by `outbox.contrib.prometheus.PrometheusObserver` there.
    """
    if show is not None:
        emit(files("outbox.contrib.prometheus").joinpath(SHIPPED[show]).read_text().rstrip("\n"))
        return Exit.OK
    # What the extra brings; `--show` does without.
    from prometheus_client import CollectorRegistry, generate_latest

    from outbox.contrib.prometheus.collector import StatusCollector
    from outbox.contrib.prometheus.serving import answering

    with opened(settings) as outbox:
        registry = CollectorRegistry()
        registry.register(StatusCollector(outbox))
        if listen is None:
            emit(generate_latest(registry).decode().rstrip("\n"))
            return Exit.OK
        with StopSignals() as signals, answering(registry, listen) as port:
            emit(f"metrics are at http://{listen.host}:{port}/metrics")
            while not signals.wait(LOOK_SECONDS):
                pass
    return Exit.OK
