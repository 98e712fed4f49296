from __future__ import annotations

import json
from pathlib import Path

import pytest

import outbox
from tests.acceptance.schema.shape import shape, tables
from tests.support import Database, Spawn
from tests.support.databases import Provider
from tests.support.gate import open_gate, wait_at

PROCESSES = 4


def migrate_at(gate: str, url: str, times: int) -> None:
    wait_at(gate)
    print(json.dumps([outbox.migrate(url) for _ in range(times)]))


@pytest.mark.mp
def test_processes_that_migrate_at_once_apply_everything_once(
    database: Database, provider: Provider, spawn: Spawn, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    children = [spawn(migrate_at, str(gate), database.url, 2) for _ in range(PROCESSES)]
    open_gate(gate, children)
    results = [json.loads(child.succeed().splitlines()[-1]) for child in children]

    reference = provider.empty()
    applied = outbox.migrate(reference.url)
    assert sorted(first for first, _ in results) == [*[[]] * (PROCESSES - 1), applied]
    assert [second for _, second in results] == [[]] * PROCESSES
    assert shape(database) == shape(reference)
    assert database.count("outbox_migrations") == len(applied)
    provider.drop(reference)


def roll_back_at(gate: str, url: str) -> None:
    wait_at(gate)
    print(json.dumps(outbox.rollback(url)))


@pytest.mark.mp
def test_processes_that_roll_back_at_once_do_not_disturb_each_other(
    database: Database, spawn: Spawn, tmp_path: Path
) -> None:
    applied = outbox.migrate(database.url)
    gate = tmp_path / "gate"
    children = [spawn(roll_back_at, str(gate), database.url) for _ in range(PROCESSES)]
    open_gate(gate, children)
    results = [json.loads(child.succeed().splitlines()[-1]) for child in children]

    assert sorted(results) == [*[[]] * (PROCESSES - 1), applied[::-1]]
    assert tables(database) == set()
