"""The suite's own servers: found, excluded or missing out loud, and never left behind."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers import install
from tests.servers.binaries import find_postgres
from tests.servers.existing import ExistingServer
from tests.servers.fetch_mysql import FetchFailed
from tests.servers.fleet import Fleet
from tests.servers.ports import free_port
from tests.support import Spawn, eventually

ROOT = Path(__file__).parents[2]

PROBE = """
def test_probe(backend):
    pass
"""

RUN_WITHOUT_MYSQL = """
import sys, pytest
from tests.servers import fleet
fleet._FINDERS["mysql"] = lambda: None
sys.exit(pytest.main(sys.argv[1:]))
"""


def hold_a_server() -> None:
    server = Fleet().private("postgresql")
    print(f"server {server.pid} in {server.data.parents[1]}")
    time.sleep(600)


def run_probe(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one test per backend in a session of its own, as on a machine without MySQL."""
    probe = folder / "test_probe.py"
    probe.write_text(PROBE)
    words = [
        "-c",
        "pyproject.toml",
        f"--rootdir={ROOT}",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        "-v",
        # An editable installation lists the tests as a plugin's files, and they are imported already.
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    ]
    command = [sys.executable, "-c", RUN_WITHOUT_MYSQL, *words, str(probe)]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("OUTBOX_TEST_")}
    return subprocess.run(
        command, cwd=ROOT, env={**variables, **environment}, capture_output=True, text=True, check=False
    )


def test_a_backend_neither_found_nor_excluded_fails_the_run_and_says_how_to_get_it(tmp_path: Path) -> None:
    done = run_probe(tmp_path)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "No mysql server was found. Run `make servers`" in done.stdout
    assert "OUTBOX_TEST_MYSQL_URL" in done.stdout
    assert "OUTBOX_TEST_BACKENDS=sqlite,postgresql,mariadb" in done.stdout


def test_a_mysql_that_cannot_be_fetched_fails_the_installation_and_says_how_to_do_without(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise FetchFailed("there is no such suite")

    monkeypatch.setenv("OUTBOX_TEST_BACKENDS", "sqlite,mysql")
    monkeypatch.delenv("OUTBOX_TEST_MYSQL_URL", raising=False)
    monkeypatch.setattr(install, "find_mysql", lambda: None)
    monkeypatch.setattr(install, "_missing_build_tools", list)
    monkeypatch.setattr(install, "fetch_mysql", fail)
    assert install.main() == 1
    said = capsys.readouterr().err
    assert "there is no such suite" in said
    assert "OUTBOX_TEST_MYSQL_URL" in said
    assert "OUTBOX_TEST_BACKENDS=sqlite" in said


def test_excluded_backends_are_neither_looked_for_nor_tested(tmp_path: Path) -> None:
    done = run_probe(tmp_path, OUTBOX_TEST_BACKENDS="sqlite, mariadb")
    assert done.returncode == pytest.ExitCode.OK, done.stdout
    assert re.findall(r"test_probe\[(\w+)\] PASSED", done.stdout) == ["sqlite", "mariadb"]


def test_a_backend_served_by_a_url_is_not_looked_for(tmp_path: Path) -> None:
    done = run_probe(
        tmp_path, OUTBOX_TEST_BACKENDS="mysql", OUTBOX_TEST_MYSQL_URL="mysql://root@127.0.0.1:1/mysql"
    )
    assert done.returncode == pytest.ExitCode.OK, done.stdout


def test_a_misspelt_backend_fails_the_run(tmp_path: Path) -> None:
    done = run_probe(tmp_path, OUTBOX_TEST_BACKENDS="sqlite,postgres")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "OUTBOX_TEST_BACKENDS names postgres" in done.stderr


@pytest.mark.mp
@pytest.mark.skipif(find_postgres() is None, reason="needs a PostgreSQL of its own")
def test_servers_and_their_files_go_when_the_test_process_is_killed(spawn: Spawn) -> None:
    holder = spawn(hold_a_server)
    match = holder.wait_for_line(r"server (\d+) in (.+)", timeout=60)
    pid, directory = int(match.group(1)), Path(match.group(2))
    assert directory.exists()
    holder.kill()
    eventually(lambda: not alive(pid) and not directory.exists())


def test_ports_stay_out_of_the_range_of_outgoing_connections() -> None:
    assert all(free_port() < 32_768 for _ in range(20))


def test_an_existing_server_gets_databases_beside_the_one_its_url_names() -> None:
    server = ExistingServer("mysql", "mysql://shop:secret@db.example:3307/shop")
    assert server.url_of("t_1") == "mysql://shop:secret@db.example:3307/t_1"


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
