from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from outbox.backends.records import LeaseRequest, Refusal
from outbox.backends.sqlite import SqliteBackend
from outbox.errors import Contention, DatabaseError
from tests.support import Database

pytestmark = pytest.mark.backends("sqlite")
Open = Callable[..., SqliteBackend]


@contextmanager
def held(backend: SqliteBackend) -> Iterator[None]:
    """Keep the write lock by another thread: in its own one a backend refuses to wait for itself."""
    taken, over = threading.Event(), threading.Event()

    def keep() -> None:
        with backend.connection():
            taken.set()
            assert over.wait(20)

    with ThreadPoolExecutor(1) as pool:
        keeping = pool.submit(keep)
        assert taken.wait(20)
        try:
            yield
        finally:
            over.set()
            keeping.result(20)


@pytest.mark.parametrize("owner", ["another connection", "this backend"])
def test_a_write_lock_that_stays_taken_is_contention(
    open_sqlite: Open, migrated: Database, owner: str
) -> None:
    impatient = open_sqlite(f"{migrated.url}?timeout=0.01")
    (partition_id,) = impatient.register_queue("orders", 1)
    other = impatient if owner == "this backend" else open_sqlite(migrated.url)

    with held(other):
        with pytest.raises(Contention):
            impatient.sequence([partition_id], 10)
        request = LeaseRequest(partition_id, 1)
        with (
            pytest.raises(Contention),
            impatient.transactional_turn(request, max_bytes=1, one_if_failed=False),
        ):
            pass
        assert impatient.pending([partition_id]) == []

    with impatient.transactional_turn(request, max_bytes=1, one_if_failed=False) as found:
        assert isinstance(found, Refusal)


@pytest.mark.parametrize("how", ["commit", "rollback", "close"])
def test_a_block_that_ends_the_transaction_lent_to_it_is_told(store: SqliteBackend, how: str) -> None:
    with pytest.raises(DatabaseError, match="transaction"), store.connection() as connection:  # noqa: PT012 - the block is the user
        connection.execute("DELETE FROM outbox_incoming")
        getattr(connection, how)()

    assert store.register_queue("orders", 1)


def test_a_writer_waits_for_its_turn(store: SqliteBackend, open_sqlite: Open, migrated: Database) -> None:
    (partition_id,) = store.register_queue("orders", 1)
    started, finished = threading.Event(), threading.Event()

    def write() -> None:
        started.set()
        store.sequence([partition_id], 10)
        finished.set()

    writer = threading.Thread(target=write)
    with open_sqlite(migrated.url).connection():
        writer.start()
        started.wait()
        assert not finished.wait(0.05)
    assert finished.wait(10)
    writer.join()


def test_the_write_lock_is_free_again_after_an_error(store: SqliteBackend, migrated: Database) -> None:
    migrated.execute("DROP TABLE outbox_incoming")
    for _ in range(3):
        with pytest.raises(Exception, match="outbox_incoming"):
            store.sequence([1], 10)

    assert store.register_queue("orders", 2)
