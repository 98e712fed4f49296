"""The oldest releases that setup.cfg promises, in an environment of their own; the newest are those of the suite."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv" / "frameworks" / "oldest-flask"
EXTRAS = ("flask", "alembic")
# Flask-SQLAlchemy 3.1 wants it; the library itself would do with 2.0.
SQLALCHEMY = "SQLAlchemy[asyncio]==2.0.16"
# What they need beside it; aiosqlite is of the time of that SQLAlchemy.
OTHERS = ("psycopg[binary,pool]", "asyncpg", "aiosqlite==0.20.0", "tenacity==8.2.0", "pytest>=8.4")
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


@pytest.fixture
def python() -> Path:
    """Return the Python of the environment, made at the first run."""
    stamp, wanted = FOLDER / "installed.txt", "\n".join(oldest())
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(FOLDER, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", *oldest()]
        subprocess.run([str(FOLDER / "bin" / "python"), *install], check=True)
        stamp.write_text(wanted)
    return FOLDER / "bin" / "python"


@pytest.mark.framework
@pytest.mark.mp
def test_flask_sqlalchemy_and_alembic_work_at_their_oldest(python: Path) -> None:
    environment = {**os.environ, "OUTBOX_TEST_BACKENDS": "sqlite", "PYTHONPATH": str(ROOT)}
    # What old releases say of a newer Python is none of our business.
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "default", *SUITE]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " passed" in result.stdout
