"""Messages enqueued by one thread and committed, or flushed, by another one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy.orm import Session

from outbox import Outbox, OutboxHandle, Partitions
from tests.support import Database, eventually

POLL = 60.0
SOON = 5.0  # far below the poll


@pytest.fixture
def seen() -> dict[int, float]:
    return {}


@pytest.fixture
def handle(migrated: Database, seen: dict[int, float]) -> Iterator[OutboxHandle]:
    builder = (
        Outbox.builder(migrated.url).poll_interval(POLL).stats_interval(0).queue("orders", Partitions.of(2))
    )
    with builder.leased(lambda msg: seen.update({msg.id: time.monotonic()})).start() as handle:
        handle.outbox.enqueue_now("orders", "the first poll is over")
        eventually(lambda: seen)
        seen.clear()
        yield handle


@pytest.fixture
def threads() -> Iterator[tuple[ThreadPoolExecutor, ThreadPoolExecutor]]:
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        yield one, other


def options(database: Database) -> dict[str, Any]:
    return {"connect_args": {"check_same_thread": False}} if database.backend == "sqlite" else {}


@pytest.mark.parametrize("kind", ["Session", "Connection"])
def test_a_commit_on_another_thread_wakes_the_workers(
    migrated: Database,
    handle: OutboxHandle,
    seen: dict[int, float],
    threads: tuple[ThreadPoolExecutor, ThreadPoolExecutor],
    kind: str,
) -> None:
    view, ender = threads
    engine = migrated.engine(**options(migrated))
    for _ in range(3):
        given: Any = Session(engine) if kind == "Session" else engine.connect()
        message_id = view.submit(handle.outbox.enqueue, given, "orders", 7).result()
        ender.submit(given.commit).result()
        eventually(lambda: message_id in seen, SOON)  # noqa: B023 - called at once
        given.close()


def test_a_flush_on_another_thread_wakes_what_the_outbox_enqueued(
    migrated: Database,
    handle: OutboxHandle,
    seen: dict[int, float],
    threads: tuple[ThreadPoolExecutor, ThreadPoolExecutor],
) -> None:
    view, _ = threads
    conn = migrated.connect()
    ids = [view.submit(handle.outbox.enqueue, conn, "orders", 7, partition=part).result() for part in (0, 1)]
    view.submit(conn.commit).result()
    handle.outbox.flush()
    eventually(lambda: set(ids) <= seen.keys(), SOON)


def test_a_flush_on_another_thread_before_the_commit_takes_nothing_away(
    migrated: Database,
    handle: OutboxHandle,
    seen: dict[int, float],
    threads: tuple[ThreadPoolExecutor, ThreadPoolExecutor],
) -> None:
    view, other = threads
    conn = migrated.connect()
    message_id = view.submit(handle.outbox.enqueue, conn, "orders", 7).result()
    other.submit(handle.outbox.flush).result()
    view.submit(conn.commit).result()
    view.submit(handle.outbox.flush).result()
    eventually(lambda: message_id in seen, SOON)


def test_a_thread_that_has_ended_is_flushed_by_the_next_one(
    migrated: Database, handle: OutboxHandle, seen: dict[int, float]
) -> None:
    conn = migrated.connect()
    with ThreadPoolExecutor(1) as ended:
        message_id = ended.submit(handle.outbox.enqueue, conn, "orders", 7).result()
    conn.commit()
    with ThreadPoolExecutor(1) as another:
        another.submit(handle.outbox.flush).result()
    eventually(lambda: message_id in seen, SOON)
