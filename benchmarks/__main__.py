"""Run the benchmarks: ``python -m benchmarks``, or ``make bench``."""

from __future__ import annotations

import sys

from benchmarks import plan
from benchmarks.options import parse
from benchmarks.report import shapes, targets
from benchmarks.report.claim import Verdict
from benchmarks.report.figures import Figures
from benchmarks.report.outcome import Outcome
from benchmarks.report.settings import collect, filesystem
from benchmarks.rounds import run_rounds
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
    if not results and not failures:
        return 1
    if options.peers and (absent := plan.missing_peers()):
        found["not measured"] = "; ".join(absent)
    found["file system"] = filesystem(options.directory)
    figures = Figures(results, options.patience)
    claims = [*targets.core(), *(shapes.long() if options.long else ())]
    checked = [claim.check(figures) for claim in claims]
    if options.only is not None:
        checked = [item for item in checked if item.verdict is not Verdict.UNKNOWN]
    outcome = Outcome(found, results, failures, figures, checked, options.fraction)
    print(outcome.to_text())
    outcome.save(options.results, drawing=options.drawing)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
