"""The project's own tests, run by Django's runner as its users run theirs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contrib.django.conftest import PROJECT, Project

pytestmark = [pytest.mark.framework, pytest.mark.mp]


def passed(project: Project) -> None:
    child = project.manage("test", "shop", "--noinput")
    assert child.wait(120) == 0, child.errors
    # The runner's verdict; it would also end well with no test at all.
    assert any(line.startswith("Ran ") and not line.startswith("Ran 0 ") for line in child.error_lines)
    assert "OK" in child.error_lines


def test_they_pass_on_every_database(project: Project) -> None:
    passed(project)


@pytest.mark.parametrize("python", ["newest"], indirect=True)
@pytest.mark.backends("postgresql")
def test_they_pass_with_pytest_django_and_each_process_of_xdist_has_a_database(project: Project) -> None:
    command = (
        str(project.python),
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-n",
        "2",
        "-c",
        "/dev/null",
    )
    plugins = ("--rootdir", str(PROJECT), "--ds", "settings")
    tests = str(PROJECT / "shop" / "tests" / "with_pytest.py")
    child = project._spawn.command(*command, *plugins, tests, env=project.env)
    assert child.wait(120) == 0, (child.lines, child.errors)
    assert "9 passed" in child.lines[-1]


def test_they_pass_in_a_database_in_memory_which_is_djangos_default(
    project_on: Callable[..., Project],
) -> None:
    passed(project_on(default={"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}))
