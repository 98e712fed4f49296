"""Plain tables, which are Markdown as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmarks.report.claim import Checked
from benchmarks.report.figures import Figures, Missing

COSTS = ("client_cpu", "client_instructions", "server_cpu", "log_bytes", "statements", "syncs")
HEADINGS = (
    "job",
    "phase",
    "messages/s",
    "x single",
    "x bulk",
    "x bare",
    "client ms",
    "instructions",
    "server ms",
    "log bytes",
    "statements",
    "syncs",
    "calm",
)
LEGEND = """\
Medians of the calm repetitions. x single, x bulk: the rate as a multiple of plain inserts on one
connection, one and a thousand to a commit; x bare: of the library's statements in a bare script, all
four stages one after the other. Everything from client ms on is per message."""


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an aligned Markdown table; all columns but the first two are flush right."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    rule = ["-" * width if n < 2 else "-" * (width - 1) + ":" for n, width in enumerate(widths)]
    return "\n".join(_line(line, widths) for line in (headings, rule, *lines[1:]))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.ljust(width) if n < 2 else cell.rjust(width)
        for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(padded)} |"


def rates(figures: Figures) -> str:
    """Return the table of everything that was measured."""
    return f"{table(HEADINGS, _rate_rows(figures))}\n\n{LEGEND}\n{_disturbance(figures)}"


def _disturbance(figures: Figures) -> str:
    stolen, foreign = figures.disturbance()
    return f"Meanwhile the host took {stolen:.1%} of the processors, other processes {foreign:.0%} (medians)."


def _rate_rows(figures: Figures) -> Iterator[list[str]]:
    for job in figures.keys():  # noqa: SIM118 - no mapping
        backend = job.partition("/")[0]
        calm, done = figures.calm(job)
        for phase in figures.phases(job):
            rate = figures.rate(job, phase)
            yield [
                job,
                phase,
                f"{rate:.0f}",
                _multiple(figures, rate, f"{backend}/yardstick", "insert_1"),
                _multiple(figures, rate, f"{backend}/yardstick", "insert_1000"),
                _multiple(figures, rate, f"{backend}/bare", "enqueue", "sequence", "process", "vacuum"),
                *(_cost(figures, job, figure, phase) for figure in COSTS),
                f"{calm} of {done}",
            ]


def _multiple(figures: Figures, rate: float, job: str, *phases: str) -> str:
    try:
        return f"{rate / figures.rate(job, *phases):.2f}"
    except Missing:
        return "-"


def _cost(figures: Figures, job: str, figure: str, phase: str) -> str:
    try:
        value = figures.cost(job, figure, phase)
    except Missing:
        return "-"
    return f"{value:.4f}" if figure.endswith("cpu") else f"{value:.0f}" if value >= 10 else f"{value:.3f}"


def latencies(figures: Figures) -> str:
    """Return the table of latencies."""
    parts = ("p50", "p90", "p99", "max")
    headings = ["job", "from", *(f"{part} ms" for part in parts)]
    rows = []
    for job in figures.keys():  # noqa: SIM118 - no mapping
        if "latency" in figures.phases(job):
            for name, since in (("after_commit", "commit's return"), ("after_commit_call", "commit's call")):
                values = [figures.extra(job, "latency", name, part) for part in parts]
                rows.append([job, since, *(f"{value:.2f}" for value in values)])
    return table(headings, rows) if rows else ""


def targets(checked: Iterable[Checked]) -> str:
    """Return the table of targets, filled in."""
    rows = [
        [item.claim.row, item.claim.what, item.claim.demand, item.measured, item.verdict.value]
        for item in checked
    ]
    return table(("what", "compared", "target", "measured", "verdict"), rows)


def settings(found: Mapping[str, object], indent: str = "") -> str:
    """Return nested settings, one a line."""
    lines = []
    for name, value in found.items():
        if isinstance(value, Mapping):
            lines.append(f"{indent}{name}:\n{settings(value, indent + '  ')}")
        else:
            lines.append(f"{indent}{name}: {value}")
    return "\n".join(lines)
