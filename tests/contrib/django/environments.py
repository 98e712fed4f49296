"""Virtual environments with other versions of Django, made from the project's own files."""

from __future__ import annotations

import configparser
import fcntl
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / ".venv" / "frameworks"
# Newer releases of Django want a newer Python than this suite may run on.
PYTHONS = ("python3.14", "python3.13", "python3.12")
# What the library itself, its command and Django's databases need; servers, tests and linters stay outside.
EXTRAS = ("postgres", "django")


def oldest_django() -> str:
    """Return the series that setup.cfg promises, such as 4.2."""
    found = re.search(r"Django>=([\d.]+)", setup()["options.extras_require"]["django"])
    assert found
    return found[1]


def environment(which: str) -> Path:
    """Return the Python of an environment with the oldest Django or the newest; made at the first call."""
    folder = FOLDER / f"django-{which}"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{which}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process of a distributed run makes it
        wanted = [f"Django=={oldest_django()}.*" if which == "oldest" else "Django", *requirements()]
        stamp = folder / "installed.txt"
        if not stamp.exists() or stamp.read_text().splitlines() != wanted:
            make(folder, sys.executable if which == "oldest" else newest_python(), wanted)
            stamp.write_text("\n".join(wanted))
    return folder / "bin" / "python"


def make(folder: Path, python: str, wanted: list[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for command in (
        [python, "-m", "venv", str(folder)],
        [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *wanted],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command} failed\n{done.stdout}\n{done.stderr}"


def requirements() -> list[str]:
    """Return what setup.cfg says that the library and its extras need."""
    options, extras = setup()["options"], setup()["options.extras_require"]
    lines = [options["install_requires"], *(extras[name] for name in EXTRAS)]
    found = [line for text in lines for line in text.splitlines() if line and not line.startswith("#")]
    return [
        *(line for line in found if not line.startswith("Django")),
        "mysqlclient>=2.2",
        "gunicorn>=22",
        "django-tasks>=0.9",
        "pytest-django>=4.8",
        "pytest-xdist>=3",
    ]


def setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def newest_python() -> str:
    """Return the newest Python here that runs, this one where there is no newer one."""
    found = [shutil.which(name) for name in PYTHONS]
    # pyenv's command runs only the versions that are chosen.
    found += sorted(
        (str(path) for path in Path.home().glob(".pyenv/versions/3.1[2-9]*/bin/python")), reverse=True
    )
    for path in found:
        if (
            path
            and subprocess.run([path, "-c", "import venv, ssl"], capture_output=True, check=False).returncode
            == 0
        ):
            return path
    return sys.executable
