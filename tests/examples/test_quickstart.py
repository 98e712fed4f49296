import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.docs.pages import read_sections
from tests.support import Database, Spawn, eventually

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "examples" / "quickstart.py"
TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'quickstart%'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE tablename LIKE 'quickstart%'",
    "mysql": "SELECT table_name FROM information_schema.tables"
    " WHERE table_schema = database() AND table_name LIKE 'quickstart%'",
}
TABLES["mariadb"] = TABLES["mysql"]

SABOTAGE = """
import sys
sys.path.insert(0, "examples")
import quickstart
from shop import handlers

write = handlers.Audit.__call__

def sabotaged(self, conn, message):
    times = {times} if message.partition == 0 and message.seq == 1 else 1
    for _ in range(times):
        write(self, conn, message)

handlers.Audit.__call__ = sabotaged
sys.exit(quickstart.main())
"""


def figures(output: str) -> dict[str, str]:
    """Return the lines of the reconciliation, from their words to their numbers."""
    found = re.findall(r"^(\S[a-z -]*?) {2,}([\d ]+|yes|no)$", output, flags=re.MULTILINE)
    return {what: value.replace(" ", "") for what, value in found}


def left_behind(database: Database) -> list[tuple[str, ...]]:
    return database.query(TABLES[database.backend])


@pytest.mark.mp
def test_the_quickstart_adds_up_twice_on_one_database(database: Database, spawn: Spawn) -> None:
    for _ in range(2):
        output = spawn(QUICKSTART, "--url", database.url, "--orders", "600").succeed(timeout=60)
        assert output.endswith("Everything adds up.")
        assert figures(output) == {
            "rows in the file": "600",
            "refused when read": "0",
            "orders in": "600",
            "shipped": "592",
            "dead-lettered": "8",
            "audited": "600",
            "lost": "0",
            "duplicated": "0",
            "order per customer kept": "yes",
        }
        assert left_behind(database) == []


@pytest.mark.mp
@pytest.mark.slow
def test_the_quickstart_runs_on_sqlite_when_nothing_else_is_said(spawn: Spawn) -> None:
    output = spawn(QUICKSTART).succeed(timeout=120)
    path = re.search(r"^database sqlite:///(\S+), tables quickstart_", output, flags=re.MULTILINE)
    assert path is not None
    assert not Path(path[1]).parent.exists()
    assert without_times(output).endswith(without_times(shown_in_the_readme()))


def shown_in_the_readme() -> str:
    (section,) = (section for section in read_sections("README.md") if section.title == "Two commands")
    (block,) = section.of("text")
    return block.text


def without_times(output: str) -> str:
    return re.sub(r"messages in .*, (\d+ retries)", r"messages, \1", output)


@pytest.mark.mp
def test_what_was_kept_can_be_looked_at(spawn: Spawn, tmp_path: Path) -> None:
    output = spawn(QUICKSTART, "--orders", "50", "--keep", "--url", f"sqlite:///{tmp_path}/shop.db").succeed()
    prefix = re.search(r"tables (quickstart_\w+)_\*", output)
    assert prefix is not None
    with closing(sqlite3.connect(tmp_path / "shop.db")) as conn:
        assert conn.execute(f"SELECT count(*) FROM {prefix[1]}_audit").fetchone() == (50,)


@pytest.mark.mp
@pytest.mark.parametrize(("times", "line"), [(0, "lost"), (2, "duplicated")])
def test_one_wrong_order_is_found_and_ends_with_status_1(spawn: Spawn, times: int, line: str) -> None:
    child = spawn(SABOTAGE.format(times=times), "--orders", "100", "--quiet")
    assert child.wait() == 1
    assert figures(child.output)[line] == "1"
    assert "THIS DOES NOT ADD UP." in child.output


@pytest.mark.mp
def test_an_interrupted_quickstart_leaves_no_tables(database: Database, spawn: Spawn) -> None:
    child = spawn(QUICKSTART, "--url", database.url)
    eventually(lambda: any("orders in" in line for line in child.error_lines), timeout=30)
    child.interrupt()
    assert child.wait(timeout=30) == 130
    assert child.error_lines[-1] == "quickstart: interrupted; its tables are removed"
    assert left_behind(database) == []


@pytest.mark.mp
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--url", "oracle://shop"), "target"),
        (("--url", "postgresql://nobody@127.0.0.1:9/shop"), "127.0.0.1"),
        (("--file", "/no/such/file.csv"), "No such file"),
    ],
)
def test_a_wrong_argument_ends_in_one_sentence(
    spawn: Spawn, arguments: tuple[str, ...], sentence: str
) -> None:
    child = spawn(QUICKSTART, *arguments)
    assert child.wait(timeout=60) == 2
    assert sentence in child.errors
    assert child.errors.startswith("quickstart: ")
    assert len(child.error_lines) == 1


OVERTAKEN = """
import sys
sys.path.insert(0, "examples")
from shop.books import overtaken

place = {"a1": ("anna", 1), "b1": ("björn", 2), "a2": ("anna", 3), "a3": ("anna", 4)}
print(overtaken(["b1", "a1", "a2", "a3"], place), overtaken(["a1", "a3", "b1", "a2"], place))
"""


@pytest.mark.mp
def test_an_order_that_came_after_a_later_one_of_its_customer_is_found(spawn: Spawn) -> None:
    assert spawn(OVERTAKEN).succeed() == "0 1"
