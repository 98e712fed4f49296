"""A project of Django's in an environment of its own, on a database of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.contrib.django.environments import environment
from tests.support import Child, Database, Spawn

# Tests of the project, which Django's own runner runs.
collect_ignore = ["project"]
PROJECT = Path(__file__).parent / "project"
ENGINES = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite3"}


def alias(url: str, **settings: Any) -> dict[str, Any]:
    """Return the entry of DATABASES for a URL."""
    parsed = make_url(url)
    engine = ENGINES[parsed.get_backend_name()]
    found: dict[str, Any] = {"ENGINE": f"django.db.backends.{engine}", "NAME": parsed.database, **settings}
    if engine != "sqlite3":
        found |= {
            "USER": parsed.username or "",
            "PASSWORD": parsed.password or "",
            "HOST": parsed.host or "",
            "PORT": parsed.port or "",
        }
    return found


class Project:
    """The project's ``manage.py``, and the environment that it runs in."""

    def __init__(self, spawn: Spawn, python: Path, **databases: dict[str, Any]) -> None:
        self._spawn = spawn
        self.python = python
        self.env = {
            "SHOP_DATABASES": json.dumps(databases),
            "DJANGO_SETTINGS_MODULE": "settings",
            "PYTHONPATH": f"{PROJECT}:{Path(__file__).parents[3]}",
            "PYTHONWARNINGS": "error::ResourceWarning",
        }

    def manage(self, *words: str, **env: str) -> Child:
        """Start a command."""
        return self._spawn.command(str(self.python), str(PROJECT / "manage.py"), *words, env=self.env | env)

    def shell(self, code: str, **env: str) -> str:
        """Run some lines in the project; return what they print."""
        begin = f"import django; django.setup()\n{code}"
        child = self._spawn.command(str(self.python), "-c", begin, env=self.env | env)
        return child.succeed(60)


@pytest.fixture(params=["oldest", "newest"])
def python(request: pytest.FixtureRequest) -> Path:
    """The Python of an environment with the oldest Django, then with the newest."""
    which: str = request.param
    return environment(which)


@pytest.fixture
def project(spawn: Spawn, python: Path, database: Database) -> Project:
    """The project on each backend in turn."""
    return Project(spawn, python, default=alias(database.url))


@pytest.fixture
def project_on(spawn: Spawn, python: Path) -> Callable[..., Project]:
    """Make the project on given databases."""
    return lambda **databases: Project(spawn, python, **databases)
