"""The catalogues of the three folders, compared."""

from __future__ import annotations

import re

import pytest

from outbox.errors import OutboxError
from outbox.statements import Catalog, Naming
from outbox.statements.catalog import FILES
from outbox.statements.files import list_sql, read_sql

FOLDERS = ("postgresql", "mysql", "sqlite")
WHY = re.compile(r"^-- \S", re.MULTILINE)


def catalogs() -> dict[str, Catalog]:
    return {folder: Catalog.load(folder, Naming()) for folder in FOLDERS}


def test_every_folder_has_the_same_files() -> None:
    wanted = {f"{name}.sql" for name in FILES} | {"migrations"}
    assert {folder: set(list_sql(folder, "")) for folder in FOLDERS} == dict.fromkeys(FOLDERS, wanted)


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
