"""``outbox run`` that ends when nothing is left, or begins anew when a file has changed."""

from __future__ import annotations

import pytest

from tests.acceptance.bench import Bench
from tests.acceptance.cli.conftest import APP, Start
from tests.acceptance.cli.shell import Shell
from tests.support import eventually

pytestmark = pytest.mark.mp


@pytest.mark.backends("sqlite", "postgresql")
def test_a_drain_ends_when_nothing_is_left_but_what_is_paused(
    start: Start, bench: Bench, shell: Shell
) -> None:
    bench.send("a", "b", "c")
    bench.send("waits", partition=1)
    bench.producer.pause("orders", 1)

    child = start("shop_app:builder", "--drain", seconds=0.1)

    assert child.wait() == 0, child.errors
    assert [line for line in child.lines if line.startswith("shipped")] == [
        "shipped a",
        "shipped b",
        "shipped c",
    ]
    assert child.lines[-1].startswith("workers stopped")
    assert [row.incoming + row.backlog for row in bench.producer.status().partitions][:2] == [0, 1]


@pytest.mark.backends("sqlite")
def test_a_drain_that_is_interrupted_says_what_is_done_and_goes_on(start: Start, bench: Bench) -> None:
    bench.send("a", "b", "c")
    child = start("shop_app:builder", "--drain", seconds=1.0)
    child.wait_for_line("shipping a")
    child.terminate()
    assert child.wait() == 0, child.errors
    assert "of 3; the same command goes on with the rest" in child.errors
    again = start("shop_app:builder", "--drain", "--json")
    assert again.wait() == 0, again.errors
    assert "goes on" not in again.errors
    assert bench.row().cursor == 3


@pytest.mark.backends("sqlite")
def test_another_version_of_a_module_is_loaded_when_its_file_changes(
    start: Start, shell: Shell, bench: Bench
) -> None:
    child = start("shop_app:builder", "--reload")
    shell.module("shop_app", "def half(")
    eventually(lambda: "shop_app.py is not loaded" in child.errors)
    shell.module("shop_app", "there_is_no_such_name")
    eventually(lambda: "there_is_no_such_name" in child.errors, 30)
    shell.module("shop_app", APP.replace("shipping", "second version ships").format(seconds=0))
    bench.send("a")
    child.wait_for_line("second version ships a", 30)
    child.terminate()
    assert child.wait() == 0, child.errors
