"""``status --watch`` outlives what it looks at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.bench import Bench
from tests.acceptance.cli.shell import COMMAND, Shell
from tests.acceptance.cli.terminal import CTRL_C, Terminal
from tests.support import Child, Database, PrivateServer, Spawn, eventually

pytestmark = pytest.mark.mp

WORDS = ("status", "--watch", "--interval", "0.1")


def outage(child: Child, go_away: Callable[[], object], come_back: Callable[[], object]) -> None:
    """Let what is watched go away and come back; see that both are said once, and nothing else."""
    child.wait_for_line('"waiting"|"idle"')
    go_away()
    eventually(lambda: child.error_lines, 30)
    come_back()
    eventually(lambda: len(child.error_lines) == 2, 40)
    seen = len(child.lines)
    eventually(lambda: len(child.lines) > seen)
    child.interrupt()
    assert child.wait() == 0
    away, back = child.error_lines
    assert away.startswith("outbox: ")
    assert away.endswith("; looking again every 0.1 s")
    assert back == "outbox: connection restored"
    assert all(json.loads(line)["partitions"] for line in child.lines)


@pytest.mark.slow
@pytest.mark.backends("postgresql", "mysql", "mariadb")
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_it_goes_on_when_the_server_is_back(
    private_server: PrivateServer, spawn: Spawn, tmp_path: Path, how: str
) -> None:
    database = private_server.new_database()
    Bench(database).close()
    shell = Shell(database.url, tmp_path)
    child = spawn.command(*COMMAND, *WORDS, "--json", env=shell.environment)

    outage(child, getattr(private_server, how), private_server.start)


@pytest.mark.slow
@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_on_a_terminal_the_last_look_stays_during_an_outage(
    private_server: PrivateServer, tmp_path: Path
) -> None:
    database = private_server.new_database()
    Bench(database).close()

    with Terminal(Shell(database.url, tmp_path), *WORDS) as terminal:
        terminal.wait_for("dead letters: 0 pending")
        private_server.stop()
        terminal.wait_for(r"(?s)looking again every 0.1 s\s.*dead letters: 0 pending")
        private_server.start()
        terminal.wait_for(r"(?s)looking again every 0.1 s.*\n\d\d:\d\d:\d\d\s*\n")
        terminal.press(CTRL_C)
        code = terminal.end()

    assert (code, "Traceback" in terminal.text) == (0, False)


@pytest.mark.backends("sqlite")
def test_it_goes_on_when_the_file_is_back(
    shell: Shell, bench: Bench, migrated: Database, spawn: Spawn
) -> None:
    path = Path(migrated.url.removeprefix("sqlite:///"))
    elsewhere = path.with_suffix(".away")
    child = spawn.command(*COMMAND, *WORDS, "--json", env=shell.environment)

    outage(child, lambda: path.rename(elsewhere), lambda: elsewhere.rename(path))


@pytest.mark.backends("sqlite")
def test_a_file_in_the_place_of_the_watched_one_is_looked_into(
    shell: Shell, bench: Bench, migrated: Database, spawn: Spawn, tmp_path: Path
) -> None:
    path = Path(migrated.url.removeprefix("sqlite:///"))
    copy = tmp_path / "copy.db"
    with migrated.session() as session:
        session.execute("VACUUM INTO ?", str(copy))
    child = spawn.command(*COMMAND, *WORDS, "--json", env=shell.environment)
    child.wait_for_line('"incoming": 0')
    bench.send("a")
    child.wait_for_line('"incoming": 1')
    shown = len(child.lines)

    for name in (f"{path}-wal", f"{path}-shm"):
        Path(name).unlink(missing_ok=True)
    copy.rename(path)

    eventually(lambda: any('"incoming": 1' not in line for line in child.lines[shown:]))


def test_what_was_never_there_is_said_at_once(tmp_path: Path) -> None:
    shell = Shell("sqlite:///nowhere.db", tmp_path)
    assert "there is no file nowhere.db" in shell.fails(3, *WORDS)
