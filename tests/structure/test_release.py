"""What is published: complete, checked by the tools of the index, and the same to the byte each time."""

from __future__ import annotations

import email
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EPOCH = "1700000000"


def release(folder: Path) -> Path:
    run("scripts/release.py", str(folder), epoch=EPOCH)
    return folder


def run(*words: str, epoch: str = "") -> str:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch}
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return release(tmp_path_factory.mktemp("released"))


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def metadata(released: Path) -> Message:
    with zipfile.ZipFile(only(released, "*.whl")) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


@pytest.mark.slow
def test_two_builds_are_the_same_to_the_byte(released: Path, tmp_path: Path) -> None:
    again = release(tmp_path / "again")
    for file in released.iterdir():
        assert (
            hashlib.sha256((again / file.name).read_bytes()).digest()
            == hashlib.sha256(file.read_bytes()).digest()
        )


def test_the_tools_of_the_index_find_nothing(released: Path) -> None:
    sdist, wheel = str(only(released, "*.tar.gz")), str(only(released, "*.whl"))
    run("-m", "twine", "check", "--strict", sdist, wheel)
    run("-m", "check_wheel_contents", "--config", "pyproject.toml", wheel)
    assert "Final rating: 10/10" in run("-m", "pyroma", "--min=10", sdist)


def test_the_metadata_say_whose_it_is_and_where(released: Path) -> None:
    told = metadata(released)
    assert told["License-Expression"] == "MIT"
    assert told.get_all("License-File") == ["LICENSE"]
    assert not [line for line in told.get_all("Classifier", []) if line.startswith("License ::")]
    places = dict(line.split(", ", 1) for line in told.get_all("Project-URL", []))
    assert {"Documentation", "Source", "Changelog", "Issues"} <= set(places)


def test_the_sdist_has_what_is_needed_to_read_run_and_test_it(released: Path) -> None:
    with tarfile.open(only(released, "*.tar.gz")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"Makefile", "CHANGELOG.md", "docs/index.md", "docs/conf.py", "docs/pictures/stages.svg"}
    wanted |= {"tests/conftest.py", "examples/quickstart.py", "sql/sqlite/enqueue.sql", "docs/promises.toml"}
    assert wanted <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_the_bill_of_materials_has_all_that_the_package_needs_to_run(released: Path) -> None:
    told = json.loads(only(released, "*.cdx.json").read_text())
    assert told["bomFormat"] == "CycloneDX"
    names = {part["name"].lower() for part in told["components"]}
    assert {"sqlalchemy", "tenacity", "typing_extensions"} <= {name.replace("-", "_") for name in names}
    references = {part["bom-ref"] for part in told["components"]} | {told["metadata"]["component"]["bom-ref"]}
    assert {entry["ref"] for entry in told["dependencies"]} == references
    wheel = hashlib.sha256(only(released, "*.whl").read_bytes()).hexdigest()
    assert told["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": wheel}]
