from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest

from tests.acceptance.bench import Bench
from tests.acceptance.cli.conftest import APP, Start
from tests.acceptance.cli.shell import COMMAND, Shell
from tests.support import Child, Spawn, eventually
from tests.support.http import ask

pytestmark = pytest.mark.mp


@pytest.mark.parametrize("name", ["shop_app:builder", "shop_app:make"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_handler_finish(
    start: Start, bench: Bench, name: str, number: signal.Signals
) -> None:
    child = start(name, seconds=0.3)
    bench.send("a")
    child.wait_for_line("shipping a")

    child.terminate() if number is signal.SIGTERM else child.interrupt()

    assert child.wait() == 0, child.errors
    assert child.lines[-2:][0] == "shipped a"
    assert child.lines[-1].startswith("workers stopped")
    row = bench.row()
    assert (row.cursor, row.token) == (1, None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(
    start: Start, bench: Bench, tmp_path: Path, number: signal.Signals
) -> None:
    alive = tmp_path / "alive"
    child = start("shop_app:builder", "--liveness-file", str(alive), seconds=600)
    bench.send("a")
    child.wait_for_line("shipping a")
    eventually(alive.exists)

    child.terminate()
    eventually(lambda: "stopping, within 30.0 s" in child.errors)
    child.terminate() if number is signal.SIGTERM else child.interrupt()

    assert child.wait() == 128 + number
    assert bench.row().cursor == 0
    assert not alive.exists()


def test_scripts_are_told_in_json(start: Start) -> None:
    child = start("shop_app:builder", "--json")
    child.terminate()
    assert child.wait() == 0
    events = [json.loads(line) for line in child.lines]
    assert [event["event"] for event in events] == ["started", "stopped"]
    assert {event["pid"] for event in events} == {child.pid}


def test_a_handler_that_does_not_return_is_left_behind_at_the_deadline(start: Start, bench: Bench) -> None:
    child = start("shop_app:builder", "--timeout", "0.2", seconds=600)
    bench.send("a")
    child.wait_for_line("shipping a")

    child.terminate()

    assert child.wait() == 6
    assert "did not stop within 0.2 s" in child.error_lines[-1]


def test_the_liveness_file_is_touched_while_it_is_healthy_and_then_removed(
    start: Start, tmp_path: Path
) -> None:
    alive = tmp_path / "alive"
    child = start("shop_app:builder", "--liveness-file", str(alive))
    first = eventually(lambda: alive.exists() and alive.stat().st_mtime_ns)
    eventually(lambda: alive.stat().st_mtime_ns > first)

    child.terminate()

    assert child.wait() == 0
    assert not alive.exists()


def test_a_schema_that_is_not_there_has_its_exit_code(shell: Shell) -> None:
    shell.module("shop_app", APP.format(seconds=0))

    done = shell("run", "shop_app:builder", "--prefix", "shop")

    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        4,
        (
            "outbox: the outbox tables are not ready, 0001_create_tables, 0002_keys_and_features not applied; "
            "run: outbox schema migrate --prefix shop"
        ),
    )


def test_a_module_that_cannot_be_imported_says_why(shell: Shell) -> None:
    shell.module("broken", "import nothing_like_this")

    assert "importing broken failed: ModuleNotFoundError" in shell("run", "broken:builder").stderr
    assert shell("run", "broken:builder").returncode == 1


def test_a_url_that_the_builder_would_ignore_is_refused(shell: Shell) -> None:
    shell.module("shop_app", APP.format(seconds=0))

    assert "takes the URL" in shell("run", "shop_app:builder", "--url", shell.url).stderr


def test_a_liveness_file_that_cannot_be_touched_is_refused_before_the_start(shell: Shell) -> None:
    shell.module("shop_app", APP.format(seconds=0))

    done = shell("run", "shop_app:builder", "--liveness-file", "/nowhere/at/all/alive")

    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot touch the liveness file /nowhere/at/all/alive" in done.stderr


def test_what_handlers_print_stays_out_of_the_events_of_json(start: Start, bench: Bench) -> None:
    child = start("shop_app:builder", "--json")
    bench.send("a")
    eventually(lambda: "shipped a" in child.error_lines)
    child.terminate()
    assert child.wait() == 0
    assert [json.loads(line)["event"] for line in child.lines] == ["started", "stopped"]


def test_the_log_may_be_a_json_object_a_line(start: Start) -> None:
    child = start("shop_app:builder", "--log-format", "json")
    child.terminate()
    assert child.wait() == 0
    records = [json.loads(line) for line in child.error_lines]
    assert "stopping, within 30.0 s" in {record["message"] for record in records}
    assert {record["level"] for record in records} <= {"info", "warning"}


SILENCING = """
import logging.config
logging.config.dictConfig({"version": 1, "root": {"handlers": ["err"], "level": "INFO"},
    "handlers": {"err": {"class": "logging.StreamHandler"}}})
from shop_app import builder
"""


def test_an_application_that_silences_all_loggers_there_are_does_not_silence_the_workers(
    start: Start, shell: Shell
) -> None:
    shell.module("silencing", SILENCING)
    child = start("silencing:builder")
    child.terminate()
    assert child.wait() == 0
    assert "stopping, within 30.0 s" in child.error_lines


DJANGO = """
from outbox import Outbox
from django.contrib.contenttypes.models import ContentType

def ship(msg):
    print("shipped with", ContentType._meta.app_label, flush=True)

def make(url):
    return Outbox.builder(url).poll_interval(0.05).queue("orders", 4).leased(ship)
"""
SETTINGS = "INSTALLED_APPS = ['django.contrib.contenttypes']\nSECRET_KEY = 'x'\n"


@pytest.mark.backends("sqlite")
def test_django_is_set_up_before_the_module_is_imported(shell: Shell, bench: Bench, spawn: Spawn) -> None:
    shell.module("shop_settings", SETTINGS)
    shell.module("shop_app", DJANGO)
    environment = {**shell.environment, "DJANGO_SETTINGS_MODULE": "shop_settings"}
    child = spawn.command(*COMMAND, "run", "shop_app:make", env=environment)
    child.wait_for_line("started")
    bench.send("a")
    child.wait_for_line("shipped with contenttypes")
    child.terminate()
    assert child.wait() == 0


def test_django_settings_that_cannot_be_read_are_named(shell: Shell) -> None:
    shell.module("shop_app", DJANGO)

    done = shell.process("run", "shop_app:make", DJANGO_SETTINGS_MODULE="nothing_like_this")

    assert done.returncode == 1
    assert "setting Django up with nothing_like_this failed: ModuleNotFoundError" in done.stderr


WAITING = ("run", "shop_app:builder", "--wait", "60s", "--health-port", "0", "--prefix", "not_there_yet")
# A process that is the first of a world of its own, as in a container.
AS_PID_1 = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child=KILL")


def signal_to(child: Child, before: tuple[str, ...], number: signal.Signals = signal.SIGTERM) -> None:
    """Send a signal to the command, which may have a parent between it and the test."""
    pid = child.pid
    if before:
        (inner,) = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
        pid = int(inner)
    os.kill(pid, number)


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("before", [(), AS_PID_1], ids=["usual", "pid 1"])
def test_a_signal_ends_the_waiting_for_the_database(
    shell: Shell, spawn: Spawn, before: tuple[str, ...]
) -> None:
    shell.module("shop_app", APP.format(seconds=0))
    child = spawn.command(*before, *COMMAND, *WAITING, env=shell.environment)
    eventually(lambda: "not started yet" in child.errors)
    (port,) = re.findall(r"probes are answered on port (\d+)", child.errors)
    # Alive, since a restart would not bring the tables; not ready, and it says why.
    assert ask(int(port), "/livez") == (200, "ok\n")
    status, why = ask(int(port), "/readyz")
    assert (status, "0001_create_tables" in why) == (503, True)

    signal_to(child, before)

    assert child.wait() == 0, child.errors
    assert child.lines[-1].startswith("stopped before the workers were started")


@pytest.mark.backends("sqlite")
def test_a_second_signal_ends_pid_1_at_once(shell: Shell, bench: Bench, spawn: Spawn, tmp_path: Path) -> None:
    shell.module("shop_app", APP.format(seconds=600))
    child = spawn.command(*AS_PID_1, *COMMAND, "run", "shop_app:builder", env=shell.environment)
    child.wait_for_line("started")
    bench.send("a")
    child.wait_for_line("shipping a")
    signal_to(child, AS_PID_1)
    eventually(lambda: "stopping, within 30.0 s" in child.errors)
    signal_to(child, AS_PID_1)
    assert child.wait() == 128 + signal.SIGTERM


IMPORTING = "import time\nprint('importing', flush=True)\ntime.sleep(600)\n"


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("before", [(), AS_PID_1], ids=["usual", "pid 1"])
def test_a_signal_during_the_import_ends_it_at_once(
    shell: Shell, spawn: Spawn, before: tuple[str, ...]
) -> None:
    shell.module("slow_app", IMPORTING)
    child = spawn.command(*before, *COMMAND, "run", "slow_app:builder", env=shell.environment)
    child.wait_for_line("importing")
    signal_to(child, before)
    assert child.wait() == (128 + signal.SIGTERM if before else -signal.SIGTERM)
