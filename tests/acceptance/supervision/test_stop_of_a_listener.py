"""Stopping in the moment in which the listener opens its connection."""

from __future__ import annotations

import threading

import pytest

from outbox.backends.postgresql.backend import PostgresBackend
from outbox.backends.postgresql.listener import PostgresListener
from tests.acceptance.bench import Bench


@pytest.mark.backends("postgresql")
def test_a_stop_while_the_listener_connects_does_not_wait_for_news(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, stopping = threading.Event(), threading.Event()
    listen = PostgresBackend.listen

    def listen_slowly(backend: PostgresBackend) -> PostgresListener:
        listener = listen(backend)
        opened.set()
        assert stopping.wait(20)
        return listener

    monkeypatch.setattr(PostgresBackend, "listen", listen_slowly)
    handle = bench.on_threads(lambda queue: queue.leased(lambda _msg: None))
    assert opened.wait(20)
    waiting = handle._threads.listener
    assert waiting is not None
    interrupt = waiting.interrupt

    def interrupt_and_go_on() -> None:
        interrupt()
        stopping.set()

    monkeypatch.setattr(waiting, "interrupt", interrupt_and_go_on)

    assert handle.stop(10) is True
