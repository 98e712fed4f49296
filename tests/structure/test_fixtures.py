"""The fixtures keep their word: isolated databases, emptied tables, children that end with their test."""

import os
import signal
import threading
import time

import pytest

from tests.support import Database, PrivateServer, Spawn, eventually
from tests.support.databases import Provider
from tests.support.databases.mysql import MysqlDatabase
from tests.support.databases.postgres import PostgresDatabase
from tests.support.databases.provider import ServerProvider
from tests.support.threads import assert_no_library_threads


def greet(name: str, times: int) -> None:
    for _ in range(times):
        print(f"hello {name}")
    time.sleep(600)


def test_a_database_starts_empty_and_is_reached_by_raw_connections_and_engines(database: Database) -> None:
    database.execute("CREATE TABLE t (id int, word varchar(20))")
    assert database.execute("INSERT INTO t VALUES (?, ?)", 1, "a%b") == 1
    assert database.query("SELECT id, word FROM t WHERE word LIKE ?", "a%") == [(1, "a%b")]
    with database.engine().connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM t").scalar() == 1
    connection = database.connect()
    connection.cursor().execute("INSERT INTO t VALUES (2, 'uncommitted')")
    assert database.count("t") == 1
    connection.rollback()


def test_a_migrated_database_comes_back_empty(provider: Provider) -> None:
    first = provider.migrated()
    insert_row(first)
    first.execute("CREATE TABLE orders (id int PRIMARY KEY)")
    straggler = first.connect()
    straggler.cursor().execute("SELECT * FROM outbox_incoming")
    provider.recycle(first)
    second = provider.migrated()
    assert second.count("outbox_incoming") == 0
    assert second.count("outbox_migrations") > 0
    with pytest.raises(Exception, match="orders"):
        second.count("orders")
    provider.recycle(second)


def test_a_migrated_database_whose_tables_were_changed_is_not_used_again(provider: Provider) -> None:
    first = provider.migrated()
    first.execute("ALTER TABLE outbox_body ADD COLUMN surplus int")
    provider.recycle(first)
    second = provider.migrated()
    with pytest.raises(Exception, match="surplus"):
        second.query("SELECT surplus FROM outbox_body")
    provider.recycle(second)


@pytest.mark.mp
@pytest.mark.slow
@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_private_server_comes_back_with_its_data_after_a_kill(private_server: PrivateServer) -> None:
    database = private_server.new_database()
    insert_row(database)
    private_server.kill()
    with pytest.raises(Exception, match=r"onnect|closed|refused"):
        database.query("SELECT 1")
    private_server.start()
    assert database.count("outbox_incoming") == 1


@pytest.mark.mp
def test_a_child_runs_a_function_and_is_killed(spawn: Spawn) -> None:
    child = spawn(greet, "world", 2)
    assert child.wait_for_line("hello (.*)").group(1) == "world"
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert child.output.startswith("hello world")


def change_the_row(url: str) -> None:
    database = PostgresDatabase(url, "") if url.startswith("postgresql") else MysqlDatabase("mysql", url)
    with database.session() as session:
        print("connected", flush=True)
        session.execute("UPDATE t SET v = 2")


@pytest.mark.mp
@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_after_a_kill_the_last_statement_of_the_dead_process_runs_no_longer(
    provider: ServerProvider, database: Database, spawn: Spawn
) -> None:
    database.execute("CREATE TABLE t (v int)")
    database.execute("INSERT INTO t VALUES (1)")
    holder = database.connect()
    holder.cursor().execute("UPDATE t SET v = 1")
    child = spawn(change_the_row, database.url)
    child.wait_for_line("connected")
    eventually(lambda: any(s.what.startswith("UPDATE t SET v = 2") for s in provider.sessions()))
    kill = threading.Thread(target=child.kill)
    kill.start()
    eventually(lambda: not child.running)
    eventually(lambda: len(provider.dead_sessions()) == 1)
    assert kill.is_alive()
    holder.commit()
    kill.join()
    assert database.value("SELECT v FROM t") == 2


@pytest.mark.mp
def test_a_child_that_ends_early_shows_what_it_printed(spawn: Spawn) -> None:
    child = spawn("import sys; print('last words'); sys.exit('gone')")
    with pytest.raises(AssertionError, match=r"(?s)no line with 'never'.*last words.*gone"):
        child.wait_for_line("never")


@pytest.mark.mp
def test_children_end_with_their_test() -> None:
    spawn = Spawn()
    pid = spawn(greet, "world", 1).pid
    spawn.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_eventually_returns_the_fact_and_says_what_was_missing() -> None:
    values = iter([0, 0, 7])
    assert eventually(lambda: next(values)) == 7
    with pytest.raises(
        AssertionError, match=r"the moon is blue: not true within 0\.01 s; its last value was 0"
    ):
        eventually(lambda: 0, 0.01, what="the moon is blue")


def test_a_library_thread_left_behind_is_named() -> None:
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="outbox-orphan")
    thread.start()
    with pytest.raises(AssertionError, match="outbox-orphan"):
        assert_no_library_threads(timeout=0.01)
    end.set()
    thread.join()


def insert_row(database: Database) -> None:
    database.execute("INSERT INTO outbox_incoming (partition_id, body_id) VALUES (?, ?)", 1, 1)
