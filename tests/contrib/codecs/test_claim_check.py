"""Large payloads lie in a store, and no message is ever without its own."""

from __future__ import annotations

import os
import signal
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from outbox import ConfigurationError, DeadLetterScope, Outbox, OutboxBuilder, OutboxMessage, Reject
from outbox.backends.connect import open_backend
from outbox.contrib.codecs.claim_check import ClaimCheckCodec, PayloadGone
from outbox.contrib.codecs.stores import DirectoryStore
from outbox.doctor import Finding, Level, Patient
from outbox.doctor.checks import claims
from outbox.testing import drain
from tests.support import Database, Spawn

LARGE = "x" * 100


def codec_in(folder: Path, *, uncommitted_for: float = 0.001) -> ClaimCheckCodec:
    """Return a codec whose store is swept at each look of the vacuum."""
    return ClaimCheckCodec(DirectoryStore(folder), over=50, every=0.001, uncommitted_for=uncommitted_for)


def files(folder: Path) -> int:
    return len([path for path in folder.iterdir() if path.name != "owner"])


def deliver_and_sweep(outbox: Outbox) -> None:
    """Deliver what is there, then let the vacuum look once."""
    drain(outbox)
    time.sleep(0.01)  # the age of a file is told by its clock
    outbox._make_pipeline(stopping=lambda: False).vacuum().run_once()


def declared(database: Database, codec: ClaimCheckCodec, seen: list[str]) -> OutboxBuilder:
    def note(message: OutboxMessage) -> Reject | None:
        text = message.decode()
        if text.startswith("bad"):
            return Reject("bad")
        assert not text.startswith("failing")
        seen.append(text)
        return None

    builder = Outbox.builder(database.url).codec(codec)
    return (
        builder.queue("orders", 2)
        .leased(note)
        .queue("keyed", 1)
        .leased(note, max_attempts=1, on_give_up="park_key")
        .queue("kept", 1)
        .leased(note, keep=3600)
    )


def test_a_large_payload_is_in_no_table_arrives_and_is_deleted_with_its_message(
    migrated: Database, tmp_path: Path
) -> None:
    seen: list[str] = []
    with declared(migrated, codec_in(tmp_path), seen).open() as outbox:
        outbox.enqueue_now("orders", LARGE)
        outbox.enqueue_now("orders", "small")
        kinds = sorted(kind for (kind,) in migrated.query("SELECT payload_type FROM outbox_body"))
        assert kinds == ["application/json", "application/vnd.outbox.claim; of=application/json"]
        assert migrated.value("SELECT max(length(payload)) FROM outbox_body") < 50
        assert files(tmp_path) == 1
        deliver_and_sweep(outbox)
        assert sorted(seen) == ["small", LARGE]
    assert files(tmp_path) == 0


def test_what_is_put_aside_keeps_its_payload_until_it_is_delivered_or_discarded(
    migrated: Database, tmp_path: Path
) -> None:
    seen: list[str] = []
    codec = codec_in(tmp_path)
    with declared(migrated, codec, seen).open() as outbox:
        outbox.enqueue_now("orders", "bad" + LARGE)
        outbox.enqueue_now("keyed", "failing" + LARGE, key="a")
        outbox.enqueue_now("keyed", "later" + LARGE, key="a")
        outbox.enqueue_now("kept", LARGE)
        outbox.enqueue_now("orders", "delayed" + LARGE, deliver_after=3600)
        for _ in range(2):
            deliver_and_sweep(outbox)
        assert files(tmp_path) == 5
        assert [message.decode() for message in outbox.history("kept")] == [LARGE]
        (letter,) = outbox.dead_letters.list()
        assert letter.payload_type.startswith("application/vnd.outbox.claim")
        outbox.redeliver("kept", 0, 1)
        outbox.parked.discard("keyed", "a")
        outbox.dead_letters.discard(DeadLetterScope(ids=[letter.id]))
        outbox.dead_letters.cleanup()
        deliver_and_sweep(outbox)
        assert seen == [LARGE, LARGE]
        assert files(tmp_path) == 3 - 1  # what is kept, twice under one name, and what is delayed
        assert [message.decode() for message in outbox.history("kept")] == [LARGE, LARGE]


@pytest.mark.backends("sqlite")
def test_what_a_rollback_leaves_is_deleted_when_no_transaction_can_be_as_old(
    migrated: Database, tmp_path: Path
) -> None:
    with declared(migrated, codec_in(tmp_path, uncommitted_for=60), []).open() as outbox:
        with suppress(RuntimeError), outbox.transaction() as conn:
            outbox.enqueue(conn, "orders", LARGE)
            raise RuntimeError
        deliver_and_sweep(outbox)
        (orphan,) = (path for path in tmp_path.iterdir() if path.name != "owner")
        old = time.time() - 61
        os.utime(orphan, (old, old))
        deliver_and_sweep(outbox)
    assert files(tmp_path) == 0


@pytest.mark.backends("sqlite")
def test_a_store_of_another_outbox_is_left_alone(migrated: Database, tmp_path: Path) -> None:
    (tmp_path / "owner").write_text("another")
    (tmp_path / "theirs").write_text(LARGE)
    codec = codec_in(tmp_path)
    time.sleep(0.01)
    with pytest.raises(ConfigurationError, match="another outbox"):
        codec.claims.sweep("ours", frozenset)
    with declared(migrated, codec, []).open() as outbox:
        deliver_and_sweep(outbox)
    assert files(tmp_path) == 1


@pytest.mark.backends("sqlite")
def test_a_payload_that_is_gone_is_the_handlers_error(tmp_path: Path) -> None:
    codec = codec_in(tmp_path)
    data, kind = codec.encode(LARGE)
    assert codec.decode(data, kind) == LARGE
    (tmp_path / data.decode()).unlink()
    with pytest.raises(PayloadGone, match=data.decode()):
        codec.decode(data, kind)


@pytest.mark.backends("sqlite")
def test_the_doctor_finds_payloads_without_messages_and_messages_without_payloads(
    migrated: Database, tmp_path: Path
) -> None:
    builder = declared(migrated, codec_in(tmp_path), [])
    assert [found.level for found in examine(migrated, builder)] == [Level.OK]
    (tmp_path / "orphan").write_text(LARGE)
    with builder.open() as outbox:
        outbox.enqueue_now("orders", LARGE)
    time.sleep(0.01)
    (orphans,) = examine(migrated, builder)
    assert orphans.level is Level.WARNING
    assert "orphan" in orphans.text
    for path in tmp_path.iterdir():
        path.unlink()
    (missing,) = examine(migrated, builder)
    assert missing.level is Level.PROBLEM
    assert "1 message" in missing.text


def examine(database: Database, builder: OutboxBuilder) -> list[Finding]:
    with closing(open_backend(database.url, naming=builder.options.naming, pool_size=2)) as backend:
        return claims.examine(Patient(backend, database.url, builder.options))


def produce(url: str, folder: str) -> None:
    """Enqueue until killed."""
    codec = codec_in(Path(folder), uncommitted_for=60)
    with Outbox.builder(url).codec(codec).queue("orders", 2).enqueue_only().open() as outbox:
        print("producing", flush=True)
        while True:
            outbox.enqueue_now("orders", LARGE)


def deliver(url: str, folder: str) -> None:
    """Deliver and sweep until killed."""
    codec = codec_in(Path(folder), uncommitted_for=60)
    builder = Outbox.builder(url).codec(codec).poll_interval(0.05)
    with builder.queue("orders", 2).leased(lambda message: message.decode()).start():
        print("delivering", flush=True)
        signal.pause()


@pytest.mark.mp
@pytest.mark.slow
@pytest.mark.backends("sqlite", "postgresql")
def test_processes_that_are_killed_leave_no_message_without_its_payload(
    migrated: Database, spawn: Spawn, tmp_path: Path
) -> None:
    for number in range(2):
        producer = spawn(produce, migrated.url, str(tmp_path))
        worker = spawn(deliver, migrated.url, str(tmp_path))
        producer.wait_for_line("producing", timeout=60)
        worker.wait_for_line("delivering", timeout=60)
        time.sleep(0.3 + 0.1 * number)
        producer.kill()
        worker.kill()
    seen: list[str] = []
    with declared(migrated, codec_in(tmp_path, uncommitted_for=60), seen).open() as outbox:
        assert outbox.dead_letters.list() == []
        waiting = migrated.count("outbox_incoming")
        drain(outbox, errors="raise")  # a payload that is gone would be raised here
        assert len(seen) >= waiting
