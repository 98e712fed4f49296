"""A receiver takes every message once, on every database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from outbox import ConfigurationError, Inbox, InboxResult, TransactionRequired
from tests.support import Database, eventually

SOURCE = "8f3c1a2b4d5e-1"


@pytest.fixture
def inbox(database: Database) -> Iterator[Inbox]:
    with Inbox(database.url) as inbox:
        inbox.migrate()
        yield inbox


def accept(
    inbox: Inbox, conn: Any, *numbers: int, source: str = SOURCE, partition: int = 7
) -> list[InboxResult]:
    return [inbox.accept(conn, source, partition, number) for number in numbers]


def test_the_next_number_is_new_and_an_earlier_one_a_duplicate(inbox: Inbox, database: Database) -> None:
    conn = database.connect()
    new, duplicate = InboxResult.NEW, InboxResult.DUPLICATE
    assert accept(inbox, conn, 1, 2, 2, 1, 3) == [new, new, duplicate, duplicate, new]
    conn.commit()
    assert accept(inbox, conn, 1, 2, 3, 4) == [duplicate, duplicate, duplicate, new]
    conn.rollback()


def test_a_gap_is_new_is_told_and_is_told_once(inbox: Inbox, database: Database) -> None:
    conn = database.connect()
    new, duplicate, gap = InboxResult.NEW, InboxResult.DUPLICATE, InboxResult.GAP
    assert accept(inbox, conn, 1, 5, 5, 6, 3) == [new, gap, duplicate, new, duplicate]
    assert gap.is_new
    assert new.is_new
    assert not duplicate.is_new
    conn.commit()


def test_a_rollback_takes_the_acceptance_back(inbox: Inbox, database: Database) -> None:
    conn = database.connect()
    accept(inbox, conn, 1)
    conn.commit()
    assert accept(inbox, conn, 2) == [InboxResult.NEW]
    conn.rollback()
    assert accept(inbox, conn, 2) == [InboxResult.NEW]
    conn.commit()


def test_partitions_and_sources_count_apart(inbox: Inbox, database: Database) -> None:
    conn = database.connect()
    assert accept(inbox, conn, 1) == [InboxResult.NEW]
    assert accept(inbox, conn, 1, partition=8) == [InboxResult.NEW]
    # After a failover the numbers of the lost tail are given out again, under a new epoch.
    assert accept(inbox, conn, 1, source="8f3c1a2b4d5e-2") == [InboxResult.NEW]
    assert accept(inbox, conn, 1, source=SOURCE.upper()) == [InboxResult.NEW]
    conn.commit()


def test_rows_do_not_grow_with_messages(inbox: Inbox, database: Database) -> None:
    conn = database.connect()
    for partition in range(4):
        accept(inbox, conn, *range(1, 101), partition=partition)
    conn.commit()
    assert database.count("outbox_inbox") == 4


def test_the_headers_of_a_message_are_enough(inbox: Inbox, database: Database) -> None:
    conn = database.connect()
    headers = {"outbox-source": SOURCE, "outbox-partition": "7", "outbox-seq": "1"}
    assert inbox.accept_headers(conn, headers) is InboxResult.NEW
    as_bytes = {name: value.encode() for name, value in headers.items()}
    assert inbox.accept_headers(conn, as_bytes) is InboxResult.DUPLICATE
    conn.commit()


def test_a_transaction_is_required(inbox: Inbox, database: Database) -> None:
    with pytest.raises(TransactionRequired):
        accept(inbox, database.connect(autocommit=True), 1)


@pytest.mark.parametrize(
    ("source", "partition", "seq"),
    [("", 1, 1), ("a b", 1, 1), (7, 1, 1), (SOURCE, -1, 1), (SOURCE, 1, 0), (SOURCE, 1, "2")],
)
@pytest.mark.backends("sqlite")
def test_what_no_outbox_sends_is_refused(
    inbox: Inbox, database: Database, source: Any, partition: Any, seq: Any
) -> None:
    with pytest.raises(ConfigurationError):
        inbox.accept(database.connect(), source, partition, seq)


def test_a_prefix_gives_an_inbox_of_its_own(database: Database) -> None:
    with Inbox(database.url, prefix="shop") as inbox:
        inbox.migrate()
        conn = database.connect()
        assert accept(inbox, conn, 1) == [InboxResult.NEW]
        conn.commit()
        assert database.count("shop_inbox") == 1
        conn.close()
        inbox.rollback()


def test_the_table_is_created_once_by_many_at_a_time(database: Database) -> None:
    failures: list[BaseException] = []

    def create() -> None:
        try:
            with Inbox(database.url) as inbox:
                inbox.migrate()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert database.count("outbox_inbox") == 0


def test_an_inbox_beside_an_outbox_leaves_its_tables_alone(migrated: Database) -> None:
    with Inbox(migrated.url) as inbox:
        inbox.migrate()
        inbox.rollback()
    assert migrated.count("outbox_body") == 0


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_of_two_receivers_of_a_message_one_waits_and_finds_a_duplicate(
    inbox: Inbox, database: Database
) -> None:
    first, second = database.connect(), database.connect()
    accept(inbox, first, 1)
    first.commit()
    assert accept(inbox, first, 2) == [InboxResult.NEW]
    answers: list[InboxResult] = []

    def receive() -> None:
        answers.extend(accept(inbox, second, 2))
        second.commit()

    thread = threading.Thread(target=receive)
    thread.start()
    thread.join(0.3)
    assert answers == []  # it waits for the first one's commit
    first.commit()
    thread.join(20)
    assert eventually(lambda: answers) == [InboxResult.DUPLICATE]
