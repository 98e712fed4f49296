"""From the tables of the first release to those of the next: with messages in them, at work, and back."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import outbox
from outbox import Outbox, OutboxMessage
from outbox.backends.connect import open_backend
from outbox.backends.mysql.shapes import INTRODUCER
from outbox.schema import load_migrations
from outbox.statements import Naming, Statement
from outbox.testing import drain
from tests.acceptance.schema.shape import shape
from tests.support import Database, eventually
from tests.support.databases import Provider

FIRST = "0001_create_tables"
COUNT = 20
# As the first release writes them.
BODY = "INSERT INTO outbox_body (payload, payload_type, headers) VALUES (?, 'application/json', NULL)"
INCOMING = "INSERT INTO outbox_incoming (partition_id, body_id) SELECT ?, MAX(id) FROM outbox_body"
LETTER = (
    "INSERT INTO outbox_dead_letters "
    "(message_id, partition_id, seq, payload, payload_type, headers, created_at, last_error, attempts) "
    "SELECT id, ?, 99, payload, payload_type, headers, created_at, 'old', 3 FROM outbox_body WHERE id = ?"
)
# Longer than the second for which a migration waits for a table, twice and with the pauses between.
LONGEST_WAIT = 4.0
MESSAGES = int(os.environ.get("OUTBOX_UPGRADE_MESSAGES", "2000"))
"""In the tables while they are upgraded; `make soak` takes a million."""


@pytest.fixture
def old(database: Database) -> Database:
    """A database as the first release left it: a queue, messages that wait, a dead letter."""
    backend = open_backend(database.url, naming=Naming(), pool_size=1)
    steps = load_migrations(backend.catalog.backend, Naming())
    assert backend.migrate([(steps[0].name, steps[0].up)]) == [FIRST]
    backend.close()
    partition_id = register_as_before(database)
    for number in range(COUNT):
        send_as_before(database, partition_id, number)
    database.execute(LETTER, partition_id, database.value("SELECT MAX(id) FROM outbox_body"))
    return database


def register_as_before(database: Database) -> int:
    """Write the rows of the queue ``orders`` with one partition; return its id."""
    index = "`partition`" if database.backend in ("mysql", "mariadb") else "partition"
    database.execute(f"INSERT INTO outbox_partitions (queue, {index}) VALUES ('orders', 0)")
    partition_id = int(database.value("SELECT id FROM outbox_partitions"))
    for table in ("processor", "vacuum"):
        database.execute(f"INSERT INTO outbox_{table} (partition_id) VALUES (?)", partition_id)
    return partition_id


def send_as_before(database: Database, partition_id: int, number: int) -> None:
    database.execute(BODY, b"%d" % number)
    database.execute(INCOMING, partition_id)


def columns_and_keys(database: Database) -> set[str]:
    """Return the shape without what a server writes in other words after a table was rebuilt."""
    return {INTRODUCER.sub("'", line) for line in shape(database) if "sqlite_sequence" not in line}


class Seen:
    def __init__(self) -> None:
        self.numbers: list[int] = []

    def __call__(self, msg: OutboxMessage) -> None:
        assert msg.key is None or msg.key == "new"
        self.numbers.append(msg.json())


def test_what_was_there_before_the_upgrade_is_delivered_after_it(old: Database) -> None:
    assert outbox.migrate(old.url) == [step.name for step in outbox.migrations(old.backend)][1:]
    seen = Seen()
    with Outbox.builder(old.url).queue("orders", 1).leased(seen).open() as box:
        # A process of the release before goes on beside the new one.
        send_as_before(old, old.value("SELECT id FROM outbox_partitions"), COUNT)
        box.enqueue_now("orders", COUNT + 1, key="new")
        drain(box)
        (letter,) = box.dead_letters.list()

    assert seen.numbers == list(range(COUNT + 2))
    assert (letter.key, letter.last_error, letter.origin) == (None, "old", None)
    assert letter.uid.split("-")[2] == str(letter.message_id)


def test_the_tables_are_the_same_as_new_ones(old: Database, provider: Provider) -> None:
    outbox.migrate(old.url)
    reference = provider.empty()
    outbox.migrate(reference.url)
    assert shape(old) == shape(reference)
    provider.drop(reference)


def test_going_back_loses_no_message(old: Database) -> None:
    before = columns_and_keys(old)
    outbox.migrate(old.url)
    ((partition_id,),) = old.query("SELECT id FROM outbox_partitions")
    old.execute(BODY, b"20")
    due = "4102444800000000" if old.backend == "sqlite" else "'2100-01-01 00:00:00'"
    old.execute(f"INSERT INTO outbox_delayed SELECT ?, {due}, MAX(id) FROM outbox_body", partition_id)
    old.execute(
        "INSERT INTO outbox_parked (partition_id, message_key, seq, message_id, payload, payload_type, created_at) "
        "SELECT ?, 'Anna', 5, id, payload, payload_type, created_at FROM outbox_body WHERE id = ?",
        partition_id,
        old.value("SELECT MIN(id) FROM outbox_body"),
    )
    backend = open_backend(old.url, naming=Naming(), pool_size=1)
    steps = load_migrations(backend.catalog.backend, Naming())[1:]

    undone = backend.rollback([(step.name, step.down) for step in reversed(steps)])

    assert undone == [step.name for step in reversed(steps)]
    assert backend.applied_migrations() == [FIRST]
    backend.close()
    assert columns_and_keys(old) == before
    assert old.count("outbox_incoming") == COUNT + 1
    assert old.count("outbox_dead_letters") == 2
    assert outbox.migrate(old.url) == [step.name for step in steps]


@pytest.mark.backends("mysql", "mariadb")
@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_run_that_broke_off_anywhere_is_finished_by_the_next(
    old: Database, provider: Provider, direction: str
) -> None:
    reference = provider.empty()
    outbox.migrate(reference.url)
    step = load_migrations("mysql", Naming())[1]
    text = step.up if direction == "up" else step.down
    commands = [
        command for command in Statement(step.name, ":exec", text).compact.split(";") if command.strip()
    ]
    backend = open_backend(old.url, naming=Naming(), pool_size=1)
    # Each cut leaves what the ones before it left, so that one database sees them all.
    for cut in range(0, len(commands), 5):
        if direction == "down":
            assert outbox.migrate(old.url) == [step.name]
        with old.session() as session:
            for command in commands[:cut]:
                session.execute(command)
        if direction == "up":
            assert outbox.migrate(old.url) == [step.name]
            assert shape(old) == shape(reference)
        assert backend.rollback([(step.name, step.down)]) == [step.name]
    backend.close()
    assert old.count("outbox_incoming") == COUNT
    provider.drop(reference)


@pytest.fixture
def open_transaction(old: Database) -> Iterator[Any]:
    """A producer that takes its time."""
    connection = old.connect()
    cursor = connection.cursor()
    cursor.execute("INSERT INTO outbox_body (payload, payload_type) VALUES ('', 't')")
    yield connection
    connection.rollback()


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_nobody_waits_long_behind_a_migration_that_waits(old: Database, open_transaction: Any) -> None:
    applied: list[str] = []
    migrating = threading.Thread(target=lambda: applied.extend(outbox.migrate(old.url)))
    migrating.start()
    longest = 0.0
    until = time.monotonic() + 6
    with old.session() as session:
        while time.monotonic() < until:
            began = time.monotonic()
            session.execute(BODY, b"1")
            longest = max(longest, time.monotonic() - began)
            time.sleep(0.05)
    assert applied == []
    print(f"a producer waited for up to {longest:.2f} s behind a migration that waits")
    assert longest < LONGEST_WAIT
    open_transaction.rollback()
    eventually(lambda: applied != [], 20)
    migrating.join()


class Waits(threading.Thread):
    """A process of the release before that runs a statement all the time, and how long it had to wait."""

    def __init__(self, database: Database, name: str, *statements: tuple[Any, ...]) -> None:
        super().__init__(name=name, daemon=True)
        self.database = database
        self.statements = statements
        self.longest = 0.0
        self.runs = 0
        self.over = threading.Event()
        self.trouble: BaseException | None = None

    def run(self) -> None:
        try:
            with self.database.session() as session:
                while not self.over.wait(0.01):
                    began = time.monotonic()
                    for sql, *parameters in self.statements:
                        (session.query if sql.startswith("SELECT") else session.execute)(sql, *parameters)
                    self.longest = max(self.longest, time.monotonic() - began)
                    self.runs += 1
        except BaseException as error:
            self.trouble = error

    def end(self) -> None:
        self.over.set()
        self.join(30)
        assert self.trouble is None, self.trouble


def fill(database: Database, partition_id: int, messages: int) -> None:
    """Put messages into the tables, most of them waiting for a number."""
    database.execute(
        "INSERT INTO outbox_outgoing (partition_id, seq, body_id) SELECT ?, 1, MIN(id) FROM outbox_body",
        partition_id,
    )
    database.execute("DELETE FROM outbox_incoming WHERE body_id = (SELECT MIN(id) FROM outbox_body)")
    database.execute("UPDATE outbox_partitions SET sequence = 1")
    while (there := database.count("outbox_body")) < messages:
        newest = database.value("SELECT MAX(id) FROM outbox_body")
        limit = min(there, messages - there)
        database.execute(
            "INSERT INTO outbox_body (payload, payload_type) "
            f"SELECT payload, payload_type FROM outbox_body ORDER BY id LIMIT {limit}"
        )
        database.execute(
            "INSERT INTO outbox_incoming (partition_id, body_id) SELECT ?, id FROM outbox_body WHERE id > ?",
            partition_id,
            newest,
        )


def test_old_and_new_processes_work_while_tables_full_of_messages_are_upgraded(old: Database) -> None:
    partition_id = int(old.value("SELECT id FROM outbox_partitions"))
    fill(old, partition_id, MESSAGES)
    producer = Waits(old, "producer", (BODY, b"1"), (INCOMING, partition_id))
    worker = Waits(
        old,
        "worker",
        ("UPDATE outbox_processor SET attempts = attempts WHERE partition_id = ?", partition_id),
        ("SELECT COUNT(*) FROM outbox_outgoing o JOIN outbox_body b ON b.id = o.body_id WHERE o.seq <= 10",),
    )
    producer.start()
    worker.start()
    eventually(lambda: producer.runs and worker.runs)
    began = time.monotonic()
    outbox.migrate(old.url)
    took = time.monotonic() - began
    ids: list[int] = []
    builder = Outbox.builder(old.url).poll_interval(0.1).queue("orders", 1)
    with builder.leased(lambda msg: ids.append(msg.id)).start():
        eventually(lambda: len(ids) >= min(MESSAGES, 2000), 60)
        runs = producer.runs
        eventually(lambda: producer.runs > runs, 20)
    producer.end()
    worker.end()

    print(
        f"{old.backend}: {MESSAGES} messages upgraded in {took:.2f} s; the old producer waited for at most "
        f"{producer.longest:.2f} s in {producer.runs} runs, the old worker {worker.longest:.2f} s in {worker.runs}"
    )
    assert ids == sorted(set(ids)), "in order, and each once"
    assert max(producer.longest, worker.longest) < LONGEST_WAIT
    left = old.count("outbox_incoming")
    numbered = old.value("SELECT sequence FROM outbox_partitions")
    assert left + numbered == MESSAGES + producer.runs, "nothing is lost"
