"""Run the benchmarks: ``python -m benchmarks``, or ``make bench``."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import plan
from benchmarks.options import Options, parse
from benchmarks.report import picture, shapes, targets, text
from benchmarks.report.claim import Checked, Verdict
from benchmarks.report.figures import Figures
from benchmarks.report.settings import collect, filesystem
from benchmarks.rounds import Results, run_rounds
from benchmarks.servers import Servers


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the tables, write the files; 1 when a job failed."""
    options = parse(arguments)
    jobs = options.choose(plan)
    if options.show:
        print("\n".join(job.key for job in jobs))
        return 0
    if not jobs:
        print("no job is called so; --list shows them all", file=sys.stderr)
        return 2
    with Servers(options.urls, options.directory) as servers:
        if gone := {job.backend: said for job in jobs if (said := servers.missing(job.backend))}:
            print("\n".join(gone.values()), file=sys.stderr)
            return 2
        found = collect(servers, jobs, options.patience)
        results, failures = run_rounds(jobs, servers, options.patience)
    if options.peers and (absent := plan.missing_peers()):
        found["not measured"] = "; ".join(absent)
    found["file system"] = filesystem(options.directory)
    figures = Figures(results, options.patience)
    claims = [*targets.core(), *(shapes.long() if options.long else ())]
    checked = [claim.check(figures) for claim in claims]
    if options.only is not None:
        checked = [item for item in checked if item.verdict is not Verdict.UNKNOWN]
    report(figures, checked, found, failures, options.fraction)
    save(options, results, checked, found, failures)
    if options.picture is not None:
        picture.draw(figures, options.picture)
    return 1 if failures else 0


def report(
    figures: Figures,
    checked: list[Checked],
    found: dict[str, object],
    failures: dict[str, str],
    fraction: int,
) -> None:
    """Print everything; the table of targets comes last."""
    print(f"{text.settings(found)}\n\n{text.rates(figures)}\n\n{text.latencies(figures)}\n")
    for key, said in failures.items():
        print(f"FAILED: {key}\n{said}\n")
    print(text.targets(checked))
    if fraction > 1:
        print(f"\nWith a {fraction}th of the messages, start-up and noise are most of what was measured.")


def save(
    options: Options,
    results: Results,
    checked: list[Checked],
    found: dict[str, object],
    failures: dict[str, str],
) -> None:
    """Write every repetition as JSON."""
    options.json.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "settings": found,
        "results": {key: [asdict(run) for run in runs] for key, runs in results.items()},
        "targets": [
            {
                "row": item.claim.row,
                "what": item.claim.what,
                "target": item.claim.demand,
                "value": item.value,
                "verdict": item.verdict.value,
            }
            for item in checked
        ],
        "failures": failures,
    }
    Path(options.json).write_text(json.dumps(document, indent=1))


if __name__ == "__main__":
    sys.exit(main())
