"""The oldest releases that setup.cfg promises, in an environment of their own; the newest are those of the suite."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv" / "frameworks" / "oldest-flask"
EXTRAS = ("flask", "alembic")
# Flask-SQLAlchemy 3.1 wants it; the library itself would do with 2.0.
SQLALCHEMY = "SQLAlchemy[asyncio]==2.0.16"
# What they need beside it; aiosqlite is of the time of that SQLAlchemy.
OTHERS = ("psycopg[binary,pool]", "asyncpg", "aiosqlite==0.20.0", "tenacity==8.2.0", "pytest>=8.4")
# The library itself, on the oldest release of everything that it and its drivers' extras name.
CORE_FOLDER = FOLDER.with_name("oldest-core")
CORE = (
    "SQLAlchemy==2.0.0",
    "tenacity==8.2.0",
    # psycopg 3.2.0 asks for a binary that was never published.
    "psycopg[binary,pool]==3.2.1",
    "mysql-connector-python==9.2.0",
    "click==8.1.0",
    "rich==13.0.0",
    "hypothesis>=6.100",
    "pytest>=8.4",
)
CORE_SUITE = (
    "tests/contract/test_backend_lease.py",
    "tests/contract/test_backend_settle.py",
    "tests/acceptance/schema/test_migrate.py",
    "tests/acceptance/wakeups/test_other_processes.py",
)
SUITE = (
    "tests/contrib/flask/test_extension.py",
    "tests/contrib/sqlalchemy",
    "tests/connections/test_asynchronous.py",
)


def oldest() -> list[str]:
    """Return requirements for the oldest release of everything that the extras name."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = [line for extra in EXTRAS for line in setup["options.extras_require"][extra].splitlines()]
    pinned = [re.sub(r">=([\d.]+).*", r"==\1.*", line) for line in lines if re.match(r"\w", line)]
    return [SQLALCHEMY, *OTHERS, *(line for line in pinned if not line.startswith("SQLAlchemy"))]


def environment_of(folder: Path, requirements: Sequence[str]) -> Path:
    """Return the Python of an environment, made at the first run."""
    stamp, wanted = folder / "installed.txt", "\n".join(requirements)
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
        subprocess.run([str(folder / "bin" / "python"), *install], check=True)
        stamp.write_text(wanted)
    return folder / "bin" / "python"


def run_suite(python: Path, backends: str, suite: Sequence[str]) -> None:
    environment = {**os.environ, "OUTBOX_TEST_BACKENDS": backends, "PYTHONPATH": str(ROOT)}
    # What old releases say of a newer Python is none of our business.
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "default", *suite]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " passed" in result.stdout


def bounds() -> set[str]:
    """Return the lower bounds of the library and of its own extras, as ``name==version``."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = setup["options.extras_require"]
    lines = "\n".join(
        [setup["options"]["install_requires"], extras["postgres"], extras["mysql"], extras["cli"]]
    )
    found = re.findall(r"^([\w\[\],-]+)>=([\d.]+)[^;\n]*$", lines, re.MULTILINE)
    return {f"{name}=={version}" for name, version in found}


def test_the_oldest_that_is_tested_is_the_oldest_that_is_promised() -> None:
    pinned = {re.sub(r"(\.0|(?<=3\.2)\.1)+$", "", line) for line in CORE if "==" in line}
    assert pinned == {re.sub(r"(\.0)+$", "", line) for line in bounds()}


@pytest.mark.framework
@pytest.mark.mp
def test_the_library_works_at_its_oldest() -> None:
    run_suite(environment_of(CORE_FOLDER, CORE), "sqlite,postgresql,mysql", CORE_SUITE)


@pytest.mark.framework
@pytest.mark.mp
def test_flask_sqlalchemy_and_alembic_work_at_their_oldest() -> None:
    run_suite(environment_of(FOLDER, oldest()), "sqlite", SUITE)
