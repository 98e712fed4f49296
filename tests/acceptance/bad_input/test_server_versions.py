from __future__ import annotations

import pytest

from outbox import ReadOnlyServer, UnsupportedServer
from outbox.backends.mysql.server import judge as judge_mysql
from outbox.backends.postgresql.server import judge as judge_postgresql


@pytest.mark.parametrize(
    ("version", "family"),
    [
        ("8.0.13", "mysql"),
        ("8.0.35-0ubuntu0.22.04.1", "mysql"),
        ("8.4.3-log", "mysql"),
        ("9.7.0", "mysql"),
        ("8.0.36.mysql_aurora.3.07.0", "mysql"),
        ("10.6.0-MariaDB", "mariadb"),
        ("10.11.6-MariaDB-0+deb12u1-log", "mariadb"),
        ("11.8.2-MariaDB-ubu2404", "mariadb"),
        ("5.5.5-10.11.6-MariaDB-1:10.11.6+maria~ubu2204", "mariadb"),
    ],
)
def test_servers_that_will_do_are_told_apart(version: str, family: str) -> None:
    assert judge_mysql(version, 0, "OFF") == family


@pytest.mark.parametrize(
    "version",
    [
        "5.7.44-log",
        "8.0.12",
        "5.5.62",
        "10.5.29-MariaDB-1:10.5.29+maria~ubu2004",
        "10.5.99-MariaDB",
        "5.5.5-10.5.8-MariaDB",
        "5.5.68-MariaDB",
    ],
)
def test_a_mysql_server_that_is_too_old_is_refused_with_what_is_needed(version: str) -> None:
    with pytest.raises(UnsupportedServer, match=r"MySQL 8\.0\.13 or MariaDB 10\.6") as caught:
        judge_mysql(version, 0)
    assert caught.value.value == version
    assert version in str(caught.value)


@pytest.mark.parametrize("setting", [1, "1", "ON", "READ_ONLY"])
def test_a_mysql_server_that_takes_no_writes_is_refused(setting: object) -> None:
    with pytest.raises(ReadOnlyServer, match="connect to the primary"):
        judge_mysql("8.4.3", 0, setting)


@pytest.mark.parametrize("version", [130000, 130021, 150008, 180001])
def test_postgresql_13_and_later_will_do(version: int) -> None:
    judge_postgresql(version, read_only=False)


@pytest.mark.parametrize(("version", "shown"), [(120022, "12"), (100001, "10"), (90624, "9.6")])
def test_an_older_postgresql_is_refused_with_what_is_needed(version: int, shown: str) -> None:
    with pytest.raises(UnsupportedServer, match="13 is the oldest") as caught:
        judge_postgresql(version, read_only=False)
    assert caught.value.value == f"PostgreSQL {shown}"


def test_a_standby_is_refused() -> None:
    with pytest.raises(ReadOnlyServer, match="connect to the primary"):
        judge_postgresql(150008, read_only=True)
