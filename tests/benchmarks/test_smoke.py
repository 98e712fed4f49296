"""A hundredth of the benchmark: everything runs, nothing is lost, nothing is left."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import Database

ROOT = Path(__file__).parents[2]
OPTIONS = {"postgresql": "--postgres-url", "mysql": "--mysql-url", "mariadb": "--mariadb-url"}
EVERYWHERE = "(bare|stages|together|transactional)$"
HERE = {"sqlite": "(yardstick|drain)$", "postgresql": "4q16p16c adaptive 1$"}


@pytest.mark.mp
@pytest.mark.slow
def test_the_benchmark_runs_in_small(database: Database, backend: str, tmp_path: Path) -> None:
    servers = [] if backend == "sqlite" else [OPTIONS[backend], database.url]
    only = "|".join(f"^{backend}/{jobs}" for jobs in (EVERYWHERE, HERE.get(backend)) if jobs)
    command = [sys.executable, "-m", "benchmarks", "--smoke", "--no-peers", "--no-picture", *servers]
    places = ["--results", str(tmp_path), "--directory", str(tmp_path), "--only", only]
    done = subprocess.run([*command, *places], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((tmp_path / "bench.json").read_text())
    phases = [phase for runs in document["results"].values() for run in runs for phase in run["phases"]]
    assert {phase["name"] for phase in phases} >= {
        "enqueue",
        "sequence",
        "process",
        "vacuum",
        "together",
        "transactional",
    }
    assert all(phase["messages"] and phase["seconds"] > 0 for phase in phases)
    assert "falls short" in done.stdout or "met" in done.stdout
    assert database.query("SELECT 1") == [(1,)], "the database that the URL names is left alone"


@pytest.mark.mp
def test_an_unknown_job_is_named_and_nothing_runs() -> None:
    command = [sys.executable, "-m", "benchmarks", "--only", "nonsense"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--list shows them all" in done.stderr
