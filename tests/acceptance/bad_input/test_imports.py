from __future__ import annotations

import importlib.resources
import re
from pathlib import Path

import pytest

import outbox
import outbox.testing
from outbox import OutboxError, errors
from tests.support import Spawn

DRIVERS = {
    "psycopg",
    "psycopg_pool",
    "psycopg2",
    "mysql",
    "pymysql",
    "MySQLdb",
    "django",
    "flask",
    "click",
    "rich",
    "pytest",
}
PROMISED = {
    "Outbox OutboxBuilder QueueBuilder OutboxHandle OutboxProfile WorkerTuning Partitions LeaseConfig",
    "EnqueueMessage OutboxMessage Batch Success Retry Reject Migration migrate migrations rollback",
    "OutboxError ConfigurationError QueueNotRegistered PartitionOutOfRange PartitionCountMismatch",
    "PayloadTooLarge InvalidQueueName InvalidPayloadType InvalidTablePrefix TransactionRequired",
    "UnsupportedConnection SchemaNotReady BatchError",
}


# The time of its own processor: what other programs take meanwhile is not the package's.
IMPORT_AND_REPORT = """
import sys, time
began = time.process_time()
{statement}
print(time.process_time() - began)
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""
OURS = IMPORT_AND_REPORT.format(statement="from outbox import *")
SQLALCHEMY = IMPORT_AND_REPORT.format(statement="import sqlalchemy")


@pytest.mark.mp
def test_importing_the_package_takes_less_than_300_ms_and_loads_no_driver(
    spawn: Spawn, tmp_path: Path
) -> None:
    # Compiled once, as an installed package is, even where the tests' own environment keeps no bytecode.
    bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}

    def measure(script: str) -> tuple[float, set[str]]:
        seconds, modules = spawn(script, env=bytecode).succeed().splitlines()
        return float(seconds), set(modules.split())

    measure(OURS), measure(SQLALCHEMY)
    took, yardstick = [], []
    for _ in range(5):
        seconds, modules = measure(OURS)
        assert modules & DRIVERS == set()
        took.append(seconds)
        # Processors that are shared are slow ones; SQLAlchemy takes about 300 ms of one that is not.
        yardstick.append(measure(SQLALCHEMY)[0])
        if took[-1] < 0.3 or min(took) < min(yardstick):
            return
    pytest.fail(f"it took {took} seconds, where SQLAlchemy takes {yardstick}")


def test_the_public_names_are_sorted_unique_and_there() -> None:
    for module in (outbox, outbox.testing):
        assert module.__all__ == sorted(set(module.__all__))
        assert all(getattr(module, name) is not None for name in module.__all__)


def test_everything_promised_is_public() -> None:
    assert {name for line in PROMISED for name in line.split()} <= set(outbox.__all__)


def test_every_error_is_public_and_has_the_one_root() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    raised = {value for value in classes if value.__module__ == errors.__name__}
    assert all(issubclass(value, OutboxError) for value in raised)
    assert {value.__name__ for value in raised} <= set(outbox.__all__)


def test_every_public_thing_says_what_it_is() -> None:
    for name in set(outbox.__all__) - {"__version__"}:
        doc = getattr(outbox, name).__doc__
        assert doc, name
        assert re.match(r"[A-Z].*\S", doc), name


def test_the_package_is_marked_as_typed() -> None:
    assert importlib.resources.files(outbox).joinpath("py.typed").is_file()
