"""The server goes away and comes back: nothing is lost, and nobody has to do anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from outbox import LeaseConfig, OutboxMessage
from tests.acceptance.bench import QUEUE, Bench
from tests.support import PrivateServer, eventually

MESSAGES = 40
# An ack that could not be written costs a lease; a pool and a worker that failed look again within ten seconds each.
LEASE = LeaseConfig(3, headroom=0.5)
BACK_WITHIN = 30.0


class Shop:
    """A handler that pauses at one message, and notes the order in which each message came first."""

    def __init__(self, pause_at: str) -> None:
        self.first: list[str] = []
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self._pause_at = pause_at

    def __call__(self, msg: OutboxMessage) -> None:
        name = msg.json()
        if name not in self.first:
            self.first.append(name)
        if name == self._pause_at:
            self.reached.set()
            assert self.go_on.wait(60)


@pytest.fixture
def private_bench(private_server: PrivateServer) -> Iterator[Bench]:
    bench = Bench(private_server.new_database())
    yield bench
    private_server.start()
    bench.close()


def names(prefix: str) -> list[str]:
    return [f"{prefix}{number}" for number in range(MESSAGES)]


@pytest.mark.slow
@pytest.mark.backends("postgresql", "mysql", "mariadb")
@pytest.mark.parametrize(("how", "seconds"), [("kill", 5), ("stop", 20)])
def test_after_an_outage_work_goes_on_by_itself_and_nothing_is_lost(
    private_server: PrivateServer, private_bench: Bench, how: str, seconds: float
) -> None:
    bench = private_bench
    shop = Shop("a20")
    handle = bench.on_threads(lambda queue: queue.leased(shop, lease=LEASE), poll_interval=1.0)
    bench.send(*names("a"))
    bench.send("elsewhere", partition=1)
    assert shop.reached.wait(20)

    getattr(private_server, how)()
    shop.go_on.set()
    # How long it lasts is what is tested.
    threading.Event().wait(seconds)
    private_server.start()

    eventually(lambda: {*names("a"), "elsewhere"} <= set(shop.first), BACK_WITHIN)
    assert [name for name in shop.first if name != "elsewhere"] == names("a")
    eventually(handle.healthy, BACK_WITHIN)
    eventually(lambda: bench.row().cursor == MESSAGES, BACK_WITHIN)
    # On a new connection: those that the producer keeps are dead, and it is the caller who tries again.
    conn = bench.database.connect()
    bench.producer.enqueue(conn, QUEUE, "b", partition=0)
    conn.commit()
    eventually(lambda: shop.first[-1] == "b", BACK_WITHIN)


@pytest.mark.backends("sqlite")
def test_a_file_that_is_locked_for_long_is_waited_for(bench: Bench) -> None:
    shop = Shop("a20")
    handle = bench.on_threads(
        lambda queue: queue.leased(shop, lease=LEASE), target=f"{bench.database.url}?timeout=0.5"
    )
    bench.send(*names("a"))
    assert shop.reached.wait(20)
    other = bench.database.connect(autocommit=True)
    other.execute("BEGIN EXCLUSIVE")
    shop.go_on.set()
    # Longer than their patience.
    eventually(lambda: handle.stats().failing, 40)
    other.rollback()
    eventually(lambda: shop.first == names("a"), BACK_WITHIN)
    eventually(lambda: bench.row().cursor == MESSAGES, BACK_WITHIN)
    eventually(handle.healthy, BACK_WITHIN)
