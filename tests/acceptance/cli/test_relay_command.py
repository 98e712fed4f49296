"""``outbox relay``: queues leave without a line of Python."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.bench import Bench, all_delivered
from tests.acceptance.cli.shell import COMMAND, Shell
from tests.contrib.relays.endpoint import Endpoint, Reply
from tests.servers.ports import free_port
from tests.support import Spawn, eventually

FILE = """
[relay]
to = "{to}"
queues = ["orders"]
envelope = "cloudevents"
source = "/shop"
max_attempts = 2
lease = "10s"
liveness_file = "{alive}"
log_level = "warning"

[relay.options]
allow_private = true
secrets = ["whsec_YQ=="]
"""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


def write_file(folder: Path, text: str) -> Path:
    path = folder / "relay.toml"
    path.write_text(text)
    return path


@pytest.mark.mp
def test_a_file_relays_a_queue_until_a_signal(
    shell: Shell, bench: Bench, spawn: Spawn, endpoint: Endpoint, tmp_path: Path
) -> None:
    path = write_file(tmp_path, FILE.format(to=endpoint.url, alive=tmp_path / "alive"))
    child = spawn.command(*COMMAND, "relay", "--file", str(path), env=shell.environment)
    child.wait_for_line("workers of relay of orders started")
    bench.send("a", "b")
    eventually(lambda: all_delivered(bench.producer))
    assert (tmp_path / "alive").exists()
    child.terminate()
    assert child.wait() == 0, child.errors
    assert "INFO" not in child.errors  # as the file says
    assert [request.body for request in endpoint.received] == [b'"a"', b'"b"']
    assert endpoint.received[0].headers["ce-source"] == "/shop"
    assert "webhook-signature" in endpoint.received[0].headers


@pytest.mark.mp
@pytest.mark.backends("sqlite")
def test_to_everything_else_it_is_a_worker_like_any(
    shell: Shell, bench: Bench, spawn: Spawn, endpoint: Endpoint, tmp_path: Path
) -> None:
    endpoint.replies.extend([Reply(400), Reply(400)])
    path = write_file(tmp_path, FILE.format(to=endpoint.url, alive=tmp_path / "alive"))
    port = free_port()
    words = ("relay", "--file", str(path), "--metrics-listen", f"127.0.0.1:{port}")
    child = spawn.command(*COMMAND, *words, env=shell.environment)
    bench.send("bad", "good")
    eventually(lambda: all_delivered(bench.producer), timeout=30)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        metrics = answer.read().decode()
    assert 'outbox_messages_total{outcome="success",queue="orders"} 1.0' in metrics
    assert 'outbox_dead_letters{queue="orders",status="pending"} 1.0' in shell("metrics").stdout
    (letter,) = shell("dead-letters", "list", "--json").json
    assert "answered 400" in letter["last_error"]
    assert shell("dead-letters", "requeue", letter["id"], "--yes").returncode == 0
    eventually(lambda: len(endpoint.received) == 4, timeout=30)
    assert endpoint.received[-1].body == b'"bad"'
    child.terminate()
    assert child.wait() == 0, child.errors


@pytest.mark.mp
@pytest.mark.backends("sqlite")
def test_what_fails_too_often_goes_to_the_dead_letters(
    shell: Shell, bench: Bench, spawn: Spawn, endpoint: Endpoint, tmp_path: Path
) -> None:
    endpoint.replies.extend([Reply(400), Reply(400)])
    path = write_file(tmp_path, FILE.format(to=endpoint.url, alive=tmp_path / "alive"))
    child = spawn.command(*COMMAND, "relay", "--file", str(path), env=shell.environment)
    bench.send("bad", "good")
    eventually(lambda: all_delivered(bench.producer), timeout=30)
    child.terminate()
    assert child.wait() == 0, child.errors
    (letter,) = bench.dead()
    assert "answered 400" in letter.reason
    assert endpoint.received[-1].body == b'"good"'


@pytest.mark.backends("sqlite")
def test_what_is_typed_counts_more_than_the_file(shell: Shell, bench: Bench, tmp_path: Path) -> None:
    path = write_file(tmp_path, FILE.format(to="http://127.0.0.1:9/", alive="alive"))
    assert "nowhere" in shell.fails(2, "relay", "--file", path, "--queue", "nowhere")


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "--to"),
        (("--to", "nats://localhost"), "--queue"),
        (("--to", "ftp://localhost", "--queue", "orders"), "ftp"),
        (("--to", "nats://localhost", "--queue", "nowhere"), "nowhere"),
        (("--to", "nats://localhost", "--queue", "orders", "--envelope", "cloudevents"), "envelope"),
    ],
)
def test_what_cannot_work_is_one_sentence(
    shell: Shell, bench: Bench, words: tuple[str, ...], problem: str
) -> None:
    assert problem in shell.fails(2, "relay", *words)


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize(
    ("text", "problem"),
    [("to = ", "no TOML"), ("[other]", "[relay]"), ("[relay]\ncolour = 1", "colour")],
)
def test_a_file_that_cannot_be_read_is_one_sentence(
    shell: Shell, bench: Bench, tmp_path: Path, text: str, problem: str
) -> None:
    assert problem in shell.fails(2, "relay", "--file", write_file(tmp_path, text))
