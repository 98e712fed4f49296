"""Further processes that work on the same tables: ``python -m benchmarks.workloads.workers URL LOAD``."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.load import Load
from benchmarks.workloads.ledger import Ledger, Ranges

if TYPE_CHECKING:
    from typing_extensions import Self


class OtherWorkers:
    """The processes beyond the first one, ready when this is entered."""

    def __init__(self, url: str, load: Load) -> None:
        self._command = [sys.executable, "-m", "benchmarks.workloads.workers", url, load.to_json()]
        self._processes: list[subprocess.Popen[str]] = []
        self._number = load.processes - 1

    def __enter__(self) -> Self:
        for _ in range(self._number):
            self._processes.append(
                subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
        for process in self._processes:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise RuntimeError("a worker process did not start")
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def stop(self) -> list[Ranges]:
        """Let them stop in good order; return what each was handed."""
        seen = []
        for process in self._processes:
            answer, _ = process.communicate("", timeout=60)
            seen.append({int(key): ranges for key, ranges in json.loads(answer).items()})
        return seen


def main() -> None:
    """Work until standard input ends, then print what was handed over."""
    url, load = sys.argv[1], Load.from_json(sys.argv[2])
    ledger = Ledger()
    with load.declare(url, lambda queue: queue.leased_batch(ledger.receive)).start():
        print("ready", flush=True)
        sys.stdin.read()
    print(json.dumps(ledger.ranges))


if __name__ == "__main__":
    main()
