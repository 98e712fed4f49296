"""Run one workload in this process."""

from __future__ import annotations

import importlib
import sys

from benchmarks.load import Load


def main() -> None:
    """Run the workload named by the first argument."""
    name, url, load = sys.argv[1:]
    importlib.import_module(f"benchmarks.workloads.{name}").run(url, Load.from_json(load))


if __name__ == "__main__":
    main()
