"""Bars of the rates, curves of the latencies."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from benchmarks.report.figures import Figures, Missing

BARS = (
    ("plain inserts, 1 a commit", "postgresql/yardstick", ("insert_1",)),
    ("plain inserts, 1 000 a commit", "postgresql/yardstick", ("insert_1000",)),
    ("bare script, all stages", "postgresql/bare", ("enqueue", "sequence", "process", "vacuum")),
    ("outbox, all stages at once", "postgresql/together", ("together",)),
    ("bare script, sequence + process", "postgresql/bare", ("sequence", "process")),
    ("outbox, drain", "postgresql/drain", ("drain",)),
)


def draw(figures: Figures, file: Path) -> None:
    """Write the picture; the format follows from the file's name."""
    importlib.import_module("matplotlib").use("Agg")
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(14, 6))
    _rates(left, figures)
    _latencies(right, figures)
    figure.tight_layout()
    figure.savefig(file, dpi=120)
    pyplot.close(figure)


def _rates(axes: Any, figures: Figures) -> None:
    peers = [key for key in figures.keys() if "/peer " in key]  # noqa: SIM118 - no mapping
    rows = [*BARS, *((f"{key.partition('/peer ')[2]}, drain", key, ("drain",)) for key in peers)]
    found = []
    for label, job, phases in rows:
        try:
            found.append((label, figures.rate(job, *phases)))
        except Missing:
            continue
    found.reverse()
    bars = axes.barh([label for label, _ in found], [rate for _, rate in found])
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.margins(x=0.15)
    axes.set_xlabel("messages a second")


def _latencies(axes: Any, figures: Figures) -> None:
    for job in figures.keys():  # noqa: SIM118 - no mapping
        if "latency" in figures.phases(job):
            values = sorted(figures.values(job, "latency", "after_commit", "all"))
            shares = [number / len(values) for number in range(1, len(values) + 1)]
            axes.plot(values, shares, label=job.replace("/latency", ","))
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds from commit to handler, 50 messages a second")
    axes.set_ylabel("share of the messages")
    axes.grid(visible=True, alpha=0.3)
    if axes.lines:
        axes.legend()
