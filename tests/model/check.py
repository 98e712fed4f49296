"""Verify the protocol's model with Spin, and see Spin refute each model that lacks a rule.

Needs ``spin`` and a C compiler. Prints a line for each run; ends with status 1 when one is not as expected.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

MODEL = Path(__file__).with_name("outbox.pml")
# Enough for the largest run; Spin says so when it is not.
MEMORY_MEBIBYTES = 6000
DEPTH = 200_000


@dataclass(frozen=True)
class Run:
    """One model: its constants, and the rule that it lacks, if any."""

    constants: tuple[str, ...]
    without: str = ""

    @property
    def name(self) -> str:
        return " ".join((self.without or "the protocol", *self.constants))


# Kills, late answers and two sequencers each multiply the states, so they are verified one at a time.
PROTOCOL = (
    Run(("KILLS=0", "RESENDS=1")),
    Run(("KILLS=1", "RESENDS=0")),
    Run(("KILLS=0", "RESENDS=0", "SEQUENCERS=2")),
    Run(("KILLS=1", "RESENDS=1", "WORKERS=1")),
    # Three messages: an acknowledgement may arrive after two later ones of its own turn.
    Run(("KILLS=0", "RESENDS=1", "WORKERS=1", "N=3")),
)
SMALL = ("KILLS=0", "RESENDS=0")
REFUTED = (
    Run(SMALL, "RANGE_DELETE"),
    Run(SMALL, "GREATER_THAN_LAST"),
    Run((*SMALL, "SEQUENCERS=2"), "NO_PARTITION_LOCK"),
    Run((), "LEASE_NOT_RESPECTED"),
    Run((), "NO_TOKEN"),
    Run((), "TOKEN_OF_PROCESS"),
    Run((), "NO_CANCEL_POINT"),
    Run(("KILLS=0", "WORKERS=1", "N=3"), "OLDER_ACK"),
    Run((), "DEAD_TWICE"),
    Run((), "ACK_BEFORE_DEAD"),
    Run((), "START_NOT_COUNTED"),
    Run(SMALL, "VACUUM_PAST_CURSOR"),
)


@dataclass(frozen=True)
class Result:
    """What Spin found: the number of errors, the first one, and how many states it looked at."""

    errors: int
    first: str
    states: str
    complete: bool


def verify(run: Run) -> Result:
    """Generate, compile and run the verifier of one model."""
    defines = [f"-D{name}" for name in (run.without, *run.constants) if name]
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        subprocess.run(["spin", "-a", *defines, str(MODEL)], cwd=here, check=True, capture_output=True)
        limits = [f"-DMEMLIM={MEMORY_MEBIBYTES}", "-DSAFETY", "-DCOLLAPSE"]
        subprocess.run(["cc", "-w", "-O2", *limits, "-o", "pan", "pan.c"], cwd=here, check=True)
        found = subprocess.run(["./pan", f"-m{DEPTH}"], cwd=here, check=False, capture_output=True, text=True)
    errors = re.search(r"errors: (\d+)", found.stdout)
    first = re.search(r"pan:1: (.*) \(at depth", found.stdout)
    states = re.search(r"([\d.e+]+) states, stored", found.stdout)
    return Result(
        errors=int(errors[1]) if errors else -1,
        first=first[1] if first else "",
        states=states[1] if states else "?",
        complete="Search not completed" not in found.stdout,
    )


def main() -> int:
    """Check every model; return the exit status."""
    wrong = 0
    for run in (*REFUTED, *PROTOCOL):
        result = verify(run)
        expected = result.errors > 0 if run.without else result.errors == 0 and result.complete
        wrong += not expected
        found = result.first or ("no error" if result.errors == 0 else "no answer")
        verdict = "ok   " if expected else "WRONG"
        print(f"{verdict} {run.name}: {found}, {result.states} states", flush=True)
    print(f"{len(REFUTED) + len(PROTOCOL) - wrong} passed, {wrong} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
