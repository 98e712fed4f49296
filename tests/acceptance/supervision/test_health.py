"""Probes over HTTP, and a start that waits for the database."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

import outbox
from outbox import ConfigurationError, ConnectionLost, OutboxHandle, SchemaNotReady
from tests.acceptance.bench import Bench, builder_for
from tests.support import Database, PrivateServer, eventually
from tests.support.http import ask


@pytest.fixture
def handle(bench: Bench) -> OutboxHandle:
    return bench.on_threads(lambda queue: queue.leased(lambda msg: None))


@pytest.mark.backends("sqlite")
def test_the_probes_answer_until_the_stop_has_ended(handle: OutboxHandle) -> None:
    port = handle.serve_health(0)
    assert ask(port, "/livez") == (200, "ok\n")
    assert ask(port, "/readyz?verbose") == (200, "ok\n")
    assert ask(port, "/readyz", "HEAD") == (200, "")
    assert ask(port, "/metrics") == (404, "there are /livez and /readyz\n")
    handle.stop()
    with pytest.raises(ConnectionRefusedError):
        ask(port, "/livez")


@pytest.mark.backends("sqlite")
def test_a_process_that_stops_is_alive_and_not_ready(bench: Bench) -> None:
    entered, leave = threading.Event(), threading.Event()

    def ship(_msg: object) -> None:
        entered.set()
        leave.wait()

    handle = bench.on_threads(lambda queue: queue.leased(ship))
    port = handle.serve_health(0)
    bench.send("a")
    assert entered.wait(10)
    assert handle.stop(timeout=0.1) is False
    assert ask(port, "/livez") == (200, "ok\n")
    assert ask(port, "/readyz") == (503, "stopping\n")
    leave.set()
    assert handle.stop()


@pytest.mark.backends("sqlite")
def test_a_dead_worker_thread_is_what_a_restart_cures(handle: OutboxHandle) -> None:
    port = handle.serve_health(0)
    [vacuum] = [w for w in handle._threads.supervisor.workers if w.name.endswith("vacuum")]
    vacuum.stop()
    assert vacuum.join(10)
    expected = (503, "the thread outbox-vacuum has ended; start the process anew\n")
    assert (ask(port, "/livez"), ask(port, "/readyz")) == (expected, expected)


@pytest.mark.backends("sqlite")
def test_a_client_that_says_nothing_holds_up_a_probe_for_a_second_at_most(handle: OutboxHandle) -> None:
    port = handle.serve_health(0, host="127.0.0.1")
    with socket.create_connection(("127.0.0.1", port)):
        assert ask(port, "/livez") == (200, "ok\n")


@pytest.mark.backends("sqlite")
def test_a_port_that_is_taken_is_named(handle: OutboxHandle) -> None:
    port = handle.serve_health(0)
    with pytest.raises(ConfigurationError, match=f"{port}.*cannot listen on it"):
        handle.serve_health(port)
    with pytest.raises(ConfigurationError, match="70000"):
        handle.serve_health(70_000)


@pytest.mark.backends("postgresql")
def test_an_outage_leaves_it_alive_and_says_why_it_is_not_ready(private_server: PrivateServer) -> None:
    bench = Bench(private_server.new_database())
    port = bench.on_threads(lambda queue: queue.leased(lambda msg: None)).serve_health(0)
    private_server.kill()
    eventually(lambda: ask(port, "/readyz")[0] == 503)
    _, body = ask(port, "/readyz")
    assert "outbox-reconciler has failed" in body
    assert "ConnectionLost" in body
    assert ask(port, "/livez") == (200, "ok\n")
    private_server.start()
    eventually(lambda: ask(port, "/readyz") == (200, "ok\n"), 20)
    bench.close()


def starting(attempt: Callable[[], OutboxHandle], then: Callable[[], object]) -> OutboxHandle:
    """Start in a thread of its own, let something happen meanwhile, and return the handle."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(attempt)
        with pytest.raises(TimeoutError):
            future.result(timeout=0.5)
        then()
        return future.result(timeout=60)


def test_a_start_waits_for_tables_that_are_made_beside_it(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    builder = builder_for(database.url, lambda queue: queue.leased(lambda msg: None))
    with pytest.raises(SchemaNotReady):
        builder.start(wait=0.2)
    caplog.clear()
    with starting(lambda: builder.start(wait=60), lambda: outbox.migrate(database.url)) as handle:
        assert handle.healthy()
    waited = [record.getMessage() for record in caplog.records if "not started yet" in record.getMessage()]
    assert len(waited) == 1, waited


@pytest.mark.backends("postgresql", "mysql")
def test_a_start_waits_for_a_server_that_is_not_there_yet(private_server: PrivateServer) -> None:
    builder = builder_for(private_server.new_database().url, lambda queue: queue.leased(lambda msg: None))
    private_server.stop()
    with pytest.raises(ConnectionLost):
        builder.start(wait=0.1)
    with starting(lambda: builder.start(wait=60), private_server.start) as handle:
        assert handle.healthy()
