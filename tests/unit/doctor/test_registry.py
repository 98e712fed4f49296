"""Every check is run, and each is what the registry takes it for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from outbox import doctor
from outbox.doctor import CHECKS, Finding, Level, examine, registry
from outbox.errors import DatabaseError

FOLDER = Path(doctor.__file__).parent / "checks"


def test_every_module_of_the_folder_is_registered_once() -> None:
    assert sorted(CHECKS) == sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_says_what_it_protects_from(check: str) -> None:
    module = import_module(f"outbox.doctor.checks.{check}")
    assert module.__doc__
    assert callable(module.examine)


def given(monkeypatch: pytest.MonkeyPatch, **checks: object) -> None:
    """Let these functions stand for the modules of the checks."""
    modules = {f"outbox.doctor.checks.{name}": SimpleNamespace(examine=each) for name, each in checks.items()}
    monkeypatch.setattr(registry, "import_module", modules.__getitem__)


def test_a_check_that_fails_is_a_finding_and_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_patient: object) -> list[Finding]:
        raise DatabaseError("PostgreSQL: permission denied")

    given(monkeypatch, of_locks=broken, fine=lambda _: [doctor.ok("fine", "all of it")])

    first, second = examine(None, ["of_locks", "fine"])  # type: ignore[arg-type]

    assert (first.check, first.level) == ("of locks", Level.PROBLEM)
    assert first.text == "could not be examined: PostgreSQL: permission denied"
    assert first.advice
    assert second.text == "all of it"


def test_without_tables_nothing_is_run_that_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = doctor.problem("schema", "not applied", "migrate")
    given(monkeypatch, migrations=lambda _: [missing], heads=lambda _: pytest.fail("it was run"))

    assert list(examine(None, ["migrations", "heads"])) == [missing]  # type: ignore[arg-type]
