from __future__ import annotations

import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROJECT = {
    "conftest.py": """
import outbox, pytest
from outbox import Outbox

@pytest.fixture(scope="session")
def url(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('db')}/shop.db"
    outbox.migrate(url)
    return url

@pytest.fixture
def mails():
    return []

@pytest.fixture
def outbox_builder(url, mails):
    return Outbox.builder(url).queue("mails", 2).leased(lambda msg: mails.append(msg.json()))
""",
    "test_shop.py": """
import pytest

@pytest.mark.parametrize("number", range(6))
def test_a_mail_is_sent(outbox_box, outbox_sent, outbox_drain, mails, number):
    outbox_box.enqueue_now("mails", number)
    outbox_sent.assert_enqueued("mails", payload=number, count=1)
    assert outbox_drain(errors="raise").processed == 1
    assert mails == [number]
""",
    "test_nothing.py": """
import sys

def test_a_project_that_does_not_use_it_pays_nothing():
    assert not [name for name in sys.modules if name.startswith("outbox.") and name != "outbox.pytest_plugin"]
    assert "sqlalchemy" not in sys.modules
""",
}


def pytest_of(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with the plugin, and no other one that happens to be installed, in a project of its own."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "outbox.pytest_plugin", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in PROJECT.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


@pytest.mark.mp
def test_an_application_overrides_one_fixture_and_has_the_others(project: Path) -> None:
    result = pytest_of(project, "test_shop.py")
    assert "6 passed" in result.stdout, result.stdout


@pytest.mark.mp
def test_it_works_under_xdist_with_a_database_for_each_process(project: Path) -> None:
    result = pytest_of(project, "-p", "xdist", "-n", "2", "test_shop.py")
    assert "6 passed" in result.stdout, result.stdout


@pytest.mark.mp
def test_loading_it_imports_nothing_heavy(project: Path) -> None:
    (project / "conftest.py").unlink()
    result = pytest_of(project, "test_nothing.py")
    assert "1 passed" in result.stdout, result.stdout


@pytest.mark.mp
def test_a_missing_builder_is_told_in_one_sentence(project: Path) -> None:
    (project / "conftest.py").unlink()
    (project / "test_shop.py").write_text("def test(outbox_box): pass")
    result = pytest_of(project, "test_shop.py")
    assert "define a fixture outbox_builder in your conftest.py" in result.stdout, result.stdout


def test_pytest_finds_it_by_itself_and_no_fixture_runs_unasked() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert "outbox = outbox.pytest_plugin" in setup["options.entry_points"]["pytest11"]
    assert "autouse" not in (ROOT / "outbox" / "pytest_plugin.py").read_text()
