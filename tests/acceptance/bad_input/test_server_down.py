from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest

import outbox
from outbox import ConnectionLost, Outbox
from tests.acceptance.bad_input.test_targets import assert_discreet
from tests.support import PrivateServer, eventually

SCHEMES = ["postgresql", "mysql", "mariadb"]
ENTRANCES: dict[str, Callable[[str], object]] = {
    "migrate": outbox.migrate,
    "rollback": outbox.rollback,
    "open": lambda url: Outbox.builder(url).queue("orders", 2).enqueue_only().open(),
    "start": lambda url: Outbox.builder(url).queue("orders", 2).leased(print).start(),
}
QUICKLY = 5.0
PATIENTLY = 17.5


def assert_gives_up(enter: Callable[[str], object], url: str, within: float) -> str:
    """One sentence, soon, and nothing left running."""
    began = time.monotonic()
    with pytest.raises(ConnectionLost) as caught:
        enter(url)
    assert time.monotonic() - began < within
    assert_discreet(caught.value)
    # The driver's error is the cause, and there is nothing else to read through before it.
    assert caught.value.__context__ is caught.value.__cause__
    return str(caught.value)


@pytest.mark.parametrize("enter", ENTRANCES.values(), ids=ENTRANCES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_port_where_nobody_listens_is_named_at_once(scheme: str, enter: Callable[[str], object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    text = assert_gives_up(enter, f"{scheme}://u:s3cret@127.0.0.1:{port}/shop", QUICKLY)
    assert "127.0.0.1" in text
    assert str(port) in text


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_host_that_does_not_exist_is_named(scheme: str) -> None:
    for enter in ENTRANCES.values():
        assert "nowhere.invalid" in assert_gives_up(
            enter, f"{scheme}://u:s3cret@nowhere.invalid/shop", QUICKLY
        )


@pytest.fixture
def mute_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=10) as server:
        yield server.getsockname()[1]


@pytest.mark.slow
def test_a_server_that_never_answers_is_given_up(mute_port: int) -> None:
    attempts = list(product(["postgresql", "mysql"], ["migrate", "open", "start"]))

    def attempt(scheme: str, name: str) -> None:
        assert_gives_up(ENTRANCES[name], f"{scheme}://u:s3cret@127.0.0.1:{mute_port}/shop", PATIENTLY)

    with ThreadPoolExecutor(len(attempts)) as threads:
        list(threads.map(attempt, *zip(*attempts, strict=True)))


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_the_url_may_set_a_shorter_limit(scheme: str, mute_port: int) -> None:
    option = "connect_timeout=2" if scheme == "postgresql" else "connection_timeout=2"
    assert_gives_up(outbox.migrate, f"{scheme}://u@127.0.0.1:{mute_port}/shop?{option}", QUICKLY)


@pytest.mark.mp
@pytest.mark.slow
@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_once_the_server_is_back_the_same_call_works(private_server: PrivateServer) -> None:
    database = private_server.new_database()
    builder = Outbox.builder(database.url).queue("orders", 2).enqueue_only()
    private_server.stop()
    assert_gives_up(lambda _: builder.open(), "", QUICKLY)
    assert_gives_up(outbox.migrate, database.url, QUICKLY)
    private_server.start()
    assert outbox.migrate(database.url) == []
    with builder.open() as opened:
        assert opened.enqueue_now("orders", b"") > 0


def test_a_directory_is_no_sqlite_file(tmp_path: Path) -> None:
    for enter in ENTRANCES.values():
        assert "unable to open database file" in assert_gives_up(enter, f"sqlite:///{tmp_path}", QUICKLY)
    assert eventually(lambda: not list(tmp_path.iterdir()))
