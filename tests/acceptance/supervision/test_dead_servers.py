"""A server that died shows in the health soon, and is asked for again at a reasonable pace."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.acceptance.bench import Bench
from tests.support import Database, PrivateServer, eventually

SOON = 8.0
A_WHILE = 6.0


@pytest.fixture
def private_bench(private_server: PrivateServer) -> Iterator[Bench]:
    bench = Bench(private_server.new_database())
    yield bench
    private_server.start()
    bench.close()


def url(database: Database) -> Any:
    return database.url


def engine(database: Database) -> Any:
    return database.engine()


def assert_seen_and_over(private_server: PrivateServer, bench: Bench, target: object) -> None:
    seen: list[str] = []
    handle = bench.on_threads(
        lambda queue: queue.leased(lambda msg: seen.append(msg.json())), target=target, poll_interval=1.0
    )
    bench.send("before")
    eventually(lambda: seen == ["before"])
    private_server.kill()
    began = time.monotonic()
    eventually(lambda: not handle.healthy(), SOON)
    assert time.monotonic() - began < SOON
    rounds = reconciler_failures(handle)
    time.sleep(A_WHILE)  # how often it is tried meanwhile is what is tested
    assert reconciler_failures(handle) - rounds < 20
    private_server.start()
    eventually(handle.healthy, 20)


def reconciler_failures(handle: Any) -> int:
    [worker] = [w for w in handle._threads.supervisor.workers if w.name.endswith("reconciler")]
    return int(worker.failures)


@pytest.mark.slow
@pytest.mark.backends("postgresql", "mysql", "mariadb")
@pytest.mark.parametrize("target", [url, engine])
def test_a_server_that_died_shows_in_the_health_within_seconds(
    private_server: PrivateServer, private_bench: Bench, target: Callable[[Database], object]
) -> None:
    assert_seen_and_over(private_server, private_bench, target(private_bench.database))


@pytest.mark.slow
@pytest.mark.backends("postgresql")
def test_a_server_that_died_shows_although_the_pool_is_the_users(
    private_server: PrivateServer, private_bench: Bench
) -> None:
    from psycopg_pool import ConnectionPool

    pool = ConnectionPool(private_bench.database.url, min_size=2, max_size=10, open=True)
    with closing(pool):
        assert_seen_and_over(private_server, private_bench, pool)
        private_bench.close()
