"""The catalogues of the three folders, compared."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from outbox.errors import OutboxError
from outbox.statements import Catalog, Naming, files
from outbox.statements.catalog import FILES
from outbox.statements.files import list_sql, read_sql

FOLDERS = ("postgresql", "mysql", "sqlite")
WHY = re.compile(r"^-- \S", re.MULTILINE)


def catalogs() -> dict[str, Catalog]:
    return {folder: Catalog.load(folder, Naming()) for folder in FOLDERS}


def test_every_folder_has_the_same_files() -> None:
    wanted = {f"{name}.sql" for name in FILES} | {"migrations"}
    found = {
        folder: {name for name in list_sql(folder, "") if not name.startswith(".")} for folder in FOLDERS
    }
    # SQLite has no users that could be granted anything.
    assert found == {
        "postgresql": {*wanted, "grants.sql"},
        "mysql": {*wanted, "grants.sql"},
        "sqlite": wanted,
    }


def test_every_folder_has_the_same_migrations() -> None:
    found = {folder: list_sql(folder, "migrations") for folder in FOLDERS}
    assert found["mysql"] == found["postgresql"] == found["sqlite"]


def test_a_statement_that_not_every_folder_has_says_why() -> None:
    loaded = catalogs()
    everywhere = set.intersection(*(set(catalog) for catalog in loaded.values()))
    silent = [
        f"{folder}: {name}"
        for folder, catalog in loaded.items()
        for name in sorted(set(catalog) - everywhere)
        if "-- Differs:" not in catalog[name].sql
    ]
    assert silent == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_statement_carries_a_comment(folder: str) -> None:
    catalog = Catalog.load(folder, Naming())
    trivial = {"record_migration", "forget_migration", "find_queue"}
    assert [name for name in catalog if name not in trivial and not WHY.search(catalog[name].sql)] == []


def test_a_missing_statement_is_named() -> None:
    with pytest.raises(OutboxError, match="no statement named nonsense"):
        Catalog.load("sqlite", Naming())["nonsense"]


def test_whether_a_backend_has_a_statement_can_be_asked() -> None:
    loaded = catalogs()
    assert [folder for folder in FOLDERS if "failure_count" in loaded[folder]] == ["mysql"]
    assert loaded["sqlite"].get("failure_count") is None
    assert loaded["mysql"].get("failure_count") is loaded["mysql"]["failure_count"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_migration_can_be_undone(folder: str) -> None:
    for file in list_sql(folder, "migrations"):
        name = file.removesuffix(".sql")
        assert read_sql(folder, f"migrations/{name.rsplit('.', 1)[0]}.down")


def test_a_mapping_asks_for_statements_as_any_other() -> None:
    catalog = Catalog.load("sqlite", Naming())
    assert ("pending" in catalog, "nonsense" in catalog) == (True, False)
    assert catalog.get("nonsense") is None
    with pytest.raises(KeyError) as caught:
        catalog["nonsense"]
    assert str(caught.value) == "the SQL files of sqlite have no statement named nonsense"


def test_a_variant_replaces_statements_of_the_database_whose_sql_it_speaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(str(files.sql_root()), tmp_path / "sql")
    variant = tmp_path / "sql" / "postgresql" / "sharded"
    variant.mkdir()
    (variant / "vacuum.sql").write_text("-- name: vacuum :one\n-- Why.\nSELECT 0 FROM outbox_vacuum;\n")
    monkeypatch.setattr(files, "sql_root", lambda: tmp_path / "sql")
    catalog, plain = (Catalog.load("postgresql", Naming("shop"), variant=name) for name in ("sharded", None))
    assert (catalog.backend, catalog.variant) == ("postgresql", "sharded")
    assert catalog["vacuum"].compact == "SELECT 0 FROM shop_vacuum"
    assert {name for name in plain if plain[name] != catalog[name]} == {"vacuum"}

    (variant / "vacuum.sql").write_text("-- name: vacum :one\nSELECT 0;\n")
    with pytest.raises(OutboxError, match="vacum would replace no statement of postgresql"):
        Catalog.load("postgresql", Naming(), variant="sharded")
