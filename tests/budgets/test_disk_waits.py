"""Which commits wait until they are safe, on PostgreSQL.

The server is told that a standby has to have every commit, and has none: who waits, waits for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.budgets.line import QUEUE, Line
from tests.budgets.wire import tapped
from tests.support import MissingStandby, PrivateServer, eventually


@pytest.fixture
def standby(private_server: PrivateServer) -> Iterator[MissingStandby]:
    standby = MissingStandby(private_server.new_database())
    yield standby
    standby.forget()


@pytest.mark.backends("postgresql")
def test_sequencer_and_vacuum_wait_for_nothing_and_a_lease_waits(
    private_server: PrivateServer, standby: MissingStandby
) -> None:
    with tapped(private_server.new_database().url) as wire:
        workers = Line(wire, lambda builder: builder.queue(QUEUE, 1).leased(lambda _msg: None))
        workers.send(2)
        workers.process()
        workers.send(1)
        standby.demand()
        assert workers.vacuum() == ["WITH"]
        assert workers.sequence() == ["WITH"]
        turn = threading.Thread(target=workers.turn, name="turn")
        turn.start()
        eventually(lambda: standby.waiting() == 1)
        assert turn.is_alive()
        standby.forget()
        turn.join(20)
        assert not turn.is_alive()
        workers.close()


@pytest.mark.backends("postgresql")
def test_the_sequencer_waits_where_a_handler_is_called_before_anything_else_is_committed(
    private_server: PrivateServer, standby: MissingStandby
) -> None:
    with tapped(private_server.new_database().url) as wire:
        workers = Line(wire, lambda builder: builder.queue(QUEUE, 1).transactional(lambda _conn, _msg: None))
        workers.send(1)
        standby.demand()
        sequencing = threading.Thread(target=workers.sequence, name="pass")
        sequencing.start()
        eventually(lambda: standby.waiting() == 1)
        assert sequencing.is_alive()
        standby.forget()
        sequencing.join(20)
        assert not sequencing.is_alive()
        workers.close()
