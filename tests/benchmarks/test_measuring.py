"""What the benchmark measures is what was done."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from benchmarks.measure import Observer
from benchmarks.measure.instructions import SOFTWARE, TASK_CLOCK, Counter
from benchmarks.measure.phase import Phase, phases_in
from tests.support import Database

BURN = "import time\nwhile time.process_time() < 0.3: pass\nprint('burnt', flush=True)\nimport sys; sys.stdin.read()"


def test_statements_and_log_of_the_work_are_counted(database: Database) -> None:
    database.execute("CREATE TABLE t (id int, body varchar(1000))")
    with Observer(database.url) as observer, observer.phase("work", 50) as phase:
        with database.session() as session:
            for number in range(50):
                session.execute("INSERT INTO t VALUES (?, ?)", number, "x" * 1000)
        observer.stop_clock(phase)
        seconds = phase.seconds
    assert phase.seconds == seconds > 0
    assert phase.log_bytes is not None
    assert phase.log_bytes > 50 * 1000
    if phase.statements is not None:
        assert phase.statements >= 50


@pytest.mark.backends("sqlite")
def test_what_is_read_from_a_file_is_no_log(database: Database) -> None:
    database.execute("CREATE TABLE t (body varchar(100000))")
    database.execute("INSERT INTO t VALUES (?)", "x" * 100_000)
    with Observer(database.url) as observer, observer.phase("work", 1) as phase:
        assert database.value("SELECT length(body) FROM t") == 100_000
    assert phase.log_bytes is not None
    assert phase.log_bytes < 10_000


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_the_server_is_found_by_its_port_and_its_work_is_seen(database: Database) -> None:
    numbers = "SELECT 0 AS n" + "".join(f" UNION ALL SELECT {n}" for n in range(1, 10))
    many = ", ".join(f"({numbers}) AS t{n}" for n in range(6))
    with (
        Observer(database.url) as observer,
        observer.phase("work", 1) as phase,
        database.session() as session,
    ):
        session.query(f"SELECT count(*) FROM {many} WHERE t0.n + t1.n + t2.n + t3.n + t4.n + t5.n = 60")
        observer.stop_clock(phase)  # with the connection still open: its process has not ended
    assert phase.server_cpu is not None
    assert phase.server_cpu > 0.03


@pytest.mark.mp
def test_children_that_live_and_children_that_ended_are_counted(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    with Observer(url) as observer, observer.phase("work", 1) as phase:
        child = subprocess.Popen(
            [sys.executable, "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "burnt\n"
        observer.stop_clock(phase)
        child.communicate("")
    assert phase.client_cpu > 0.25


def test_a_counter_of_the_kernel_counts_threads_that_begin_later() -> None:
    counter = Counter(SOFTWARE, TASK_CLOCK)
    if (before := counter.read()) is None:
        return  # the kernel lets nobody count
    thread = threading.Thread(target=lambda: sum(range(3_000_000)))
    thread.start()
    thread.join()
    after = counter.read()
    assert after is not None
    assert after - before > 1_000_000, "nanoseconds"


def test_a_phase_survives_its_line() -> None:
    phase = Phase("drain", 10, 2.0, statements=5, extra={"produced": 1.5})
    assert phases_in(["noise", phase.to_line(), "{}"]) == [phase]
    assert (phase.rate, phase.per_message("statements"), phase.per_message("syncs")) == (5, 0.5, None)
