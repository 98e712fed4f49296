"""The server is killed in the middle of a delivery: what was handed over has happened."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from outbox import LeaseConfig, OutboxMessage
from tests.acceptance.bench import Bench
from tests.support import PrivateServer, eventually

LEASE = LeaseConfig(10)
BACK_WITHIN = 30.0


class Shop:
    """A handler that stays in its first call until it is told to go on."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, msg: OutboxMessage) -> None:
        self.calls.append((msg.seq, msg.id))
        self.reached.set()
        assert self.go_on.wait(60)


@pytest.fixture
def private_bench(private_server: PrivateServer) -> Iterator[Bench]:
    bench = Bench(private_server.new_database())
    yield bench
    private_server.start()
    bench.close()


# The sequencer does not wait for the disk on PostgreSQL. The lease after it does, for both of them.
@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_delivery_that_began_keeps_its_number_and_is_counted(
    private_server: PrivateServer, private_bench: Bench
) -> None:
    shop = Shop()
    private_bench.on_threads(lambda queue: queue.leased(shop, lease=LEASE), processors=1, poll_interval=0.5)
    (first,) = private_bench.send("first")
    assert shop.reached.wait(20)
    private_server.kill()
    private_server.start()

    assert private_bench.database.query("SELECT body_id, seq FROM outbox_outgoing") == [(first, 1)]
    assert private_bench.row().attempts == 1
    shop.go_on.set()
    eventually(lambda: private_bench.row().cursor == 1, BACK_WITHIN)
    # Once, or a second time if the lease ran out before the server was back.
    assert set(shop.calls) == {(1, first)}
