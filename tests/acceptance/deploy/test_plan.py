"""Pool arithmetic is what a process takes."""

from __future__ import annotations

import pytest

from outbox.facade.plan import make_plan
from tests.acceptance.bench import Bench, builder_for
from tests.acceptance.bench.fixtures import bench
from tests.acceptance.cli.conftest import shell
from tests.acceptance.cli.shell import Shell
from tests.support.threads import library_threads

__all__ = ["bench", "shell"]
APP = """
from outbox import Outbox

builder = Outbox.builder("postgresql://localhost/shop").processors(2).queue("orders", 4).leased(print)
"""


@pytest.mark.parametrize("wakeup", ["auto", "poll"])
def test_the_threads_of_a_process_are_those_of_its_plan(bench: Bench, wakeup: str) -> None:
    builder = builder_for(
        bench.database.url, lambda queue: queue.leased(lambda msg: None), wakeup=wakeup, processors=3
    ).quarantine(threshold=3)
    # The bench has an outbox of its own, whose pool may be open.
    before = len(library_threads())
    with builder.start():
        assert len(library_threads()) - before == make_plan(builder.options, 1).threads


@pytest.mark.backends("postgresql")
def test_the_connections_of_a_process_stay_within_its_plan(bench: Bench) -> None:
    builder = builder_for(bench.database.url, lambda queue: queue.leased(lambda msg: None))
    own = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    before = bench.database.value(own)
    plan = make_plan(builder.options, 2)
    with builder.start() as handle:
        bench.send(*range(100))
        assert handle.healthy()
        assert bench.database.value(own) - before <= plan.pool + plan.apart
    assert plan.connections == 2 * (plan.pool + plan.apart)


@pytest.mark.backends("sqlite")
def test_the_command_compares_it_with_what_is_allowed(shell: Shell) -> None:
    shell.module("shop_app", APP)
    words = ("plan", "shop_app:builder", "--processes", "8")
    counted = shell(*words, "--json", OUTBOX_URL="").json
    assert counted["connections"] == 8 * (counted["pool"] + counted["apart"])
    shown = shell(*words, "--max-connections", "200", OUTBOX_URL="")
    assert (shown.returncode, "are left for others." in shown.lines[-1]) == (0, True), shown.stderr
    line = shell("plan", "shop_app:builder", "--processes", "30", "--max-connections", "100", OUTBOX_URL="")
    assert (line.returncode, "are more than the 100 that are allowed" in line.stderr) == (1, True)
