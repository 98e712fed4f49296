"""Each role logs in, does its task, and is refused the others'."""

from __future__ import annotations

from pathlib import Path

import pytest

import outbox
from outbox import (
    ConfigurationError,
    DeadLetterFilter,
    DeadLetterScope,
    EnqueueMessage,
    Outbox,
    PermissionRefused,
    Reject,
)
from outbox.grants import ROLES, grants
from outbox.testing import drain
from tests.acceptance.cli.shell import Shell
from tests.support import PrivateServer


class Roles:
    """A user for each role, on a server of the test's own."""

    def __init__(self, server: PrivateServer) -> None:
        self.database = server.new_database(migrated=False)
        name = self.database.url.rpartition("/")[2]
        postgresql = server.backend == "postgresql"
        for role in ROLES:
            login = f"CREATE ROLE {role}_1 LOGIN" if postgresql else f"CREATE USER {role}_1"
            self.database.execute(login)
        self._name = name

    def grant(self, *roles: str) -> None:
        # On PostgreSQL whoever owns the tables can grant rights on them; on the others an administrator does.
        for role in roles:
            for command in grants(self.database.backend, role, f"{role}_1", database=self._name):
                as_owner = self.database.backend == "postgresql" and " ON outbox_" in command
                self.database.execute(f"SET ROLE owner_1; {command}" if as_owner else command)

    def url(self, role: str) -> str:
        scheme, _, rest = self.database.url.partition("://")
        return f"{scheme}://{role}_1@{rest.rpartition('@')[2]}"


@pytest.fixture
def roles(private_server: PrivateServer) -> Roles:
    made = Roles(private_server)
    made.grant("owner")
    outbox.migrate(made.url("owner"))
    made.grant("producer", "worker", "monitor")
    return made


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_each_role_does_its_task_and_is_refused_the_others(roles: Roles, tmp_path: Path) -> None:
    worker_does(roles)
    producer_does(roles)
    monitor_does(roles, tmp_path)
    owner_does(roles)


def worker_does(roles: Roles) -> None:
    url = roles.url("worker")
    assert outbox.migrate(url) == []
    seen: list[int] = []

    def ship(msg: outbox.OutboxMessage) -> Reject | None:
        seen.append(msg.id)
        return Reject("no") if msg.json() == 2 else None

    builder = Outbox.builder(url).queue("orders", 2).leased(ship)
    with builder.open() as box:
        box.enqueue_now("orders", 1)
        bad = box.enqueue_now("orders", 2)
        drain(builder)
        assert bad in seen
        letters = box.dead_letters.list(DeadLetterFilter())
        assert [letter.message_id for letter in letters] == [bad]
        box.dead_letters.discard(DeadLetterScope(ids=[letter.id for letter in letters]))
    with pytest.raises(PermissionRefused):
        outbox.rollback(url)


def producer_does(roles: Roles) -> None:
    url = roles.url("producer")
    assert outbox.migrate(url) == []
    with Outbox.builder(url).queue("orders", 2).enqueue_only().open() as box:
        number = box.enqueue_now("orders", {"id": 7}, key="k")
        with box.transaction() as conn:
            box.enqueue_batch(conn, "orders", [EnqueueMessage(n, key=str(n)) for n in range(3)])
        assert roles.database.count("outbox_incoming") == 4
        with pytest.raises(PermissionRefused):
            box.dead_letters.list(DeadLetterFilter())
        with pytest.raises(PermissionRefused):
            box.status()
    assert roles.database.value("SELECT count(*) FROM outbox_body WHERE id = ?", number) == 1
    with pytest.raises(PermissionRefused):
        Outbox.builder(url).queue("another", 2).enqueue_only().open()


def monitor_does(roles: Roles, folder: Path) -> None:
    shell = Shell(roles.url("monitor"), folder)
    assert shell("schema", "status").returncode == 0
    assert sum(row["incoming"] for row in shell("status", "--json").json["partitions"]) == 4
    assert shell("dead-letters", "list", "--json").returncode == 0
    found = shell("doctor", "--json").json
    assert [
        line for line in found if line["level"] in {"warning", "problem"} and line["check"] != "workers"
    ] == []
    with (
        Outbox.builder(roles.url("monitor")).queue("orders", 2).enqueue_only().open() as box,
        pytest.raises(Exception, match="denied"),  # the driver's, as in any transaction of the caller's
    ):
        box.enqueue_now("orders", 1)


def owner_does(roles: Roles) -> None:
    assert outbox.rollback(roles.url("owner"))
    assert outbox.migrate(roles.url("owner"))


def test_sqlite_has_no_roles_and_a_name_with_quotes_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="SQLite has no users"):
        grants("sqlite", "worker", "app")
    with pytest.raises(ConfigurationError, match="without quotes"):
        grants("postgresql", "worker", 'a"; DROP ROLE b; --')
    with pytest.raises(ConfigurationError, match="name the database"):
        grants("mysql", "monitor", "app")
    assert grants("mysql", "monitor", "app@10.%", database="my_shop")[0] == (
        "GRANT CREATE TEMPORARY TABLES ON `my\\_shop`.* TO 'app'@'10.%'"
    )
