from __future__ import annotations

import json
import sys
import traceback

import pytest

import outbox
from outbox import MissingDriver, Outbox, OutboxError
from tests.support import Spawn

URLS = {"psycopg": "postgresql://u:s3cret@127.0.0.1:1/x", "mysql": "mysql://u:s3cret@127.0.0.1:1/x"}


def try_without(module: str, url: str) -> None:
    """Try to come up where a module is not installed; print what each attempt is told."""
    assert not {
        name for name in sys.modules if name.partition(".")[0] in {"psycopg", "psycopg_pool", "mysql"}
    }
    sys.modules[module] = None  # type: ignore[assignment] # so that importing it fails as if it were not there
    builder = Outbox.builder(url).queue("orders", 1).leased(print)
    told = []
    for attempt in (
        lambda: outbox.migrate(url),
        lambda: outbox.rollback(url),
        builder.open,
        builder.start,
    ):
        try:
            attempt()
        except OutboxError as error:
            told.append([type(error).__name__, str(error), "".join(traceback.format_exception(error))])
    print(json.dumps(told))


@pytest.mark.mp
@pytest.mark.parametrize(
    ("module", "url", "extra"),
    [
        ("psycopg", URLS["psycopg"], "postgres"),
        ("psycopg_pool", URLS["psycopg"], "postgres"),
        ("mysql", URLS["mysql"], "mysql"),
        ("mysql.connector", URLS["mysql"], "mysql"),
        ("mysql.connector", URLS["mysql"].replace("mysql", "mariadb"), "mysql"),
    ],
)
def test_a_missing_driver_is_named_with_the_extra_that_brings_it(
    spawn: Spawn, module: str, url: str, extra: str
) -> None:
    told = json.loads(spawn(try_without, module, url).succeed().splitlines()[-1])
    assert len(told) == 4
    assert len({text for _, text, _ in told}) == 1
    for kind, text, trace in told:
        assert kind == MissingDriver.__name__
        assert f'pip install "outbox-pipeline[{extra}]"' in text
        assert f"{module!r}" in text
        assert "\n" not in text
        assert "s3cret" not in trace


def list_migrations_without(module: str) -> None:
    sys.modules[module] = None  # type: ignore[assignment]
    for backend in ("postgresql", "mysql", "mariadb", "sqlite"):
        assert outbox.migrations(backend)


@pytest.mark.mp
@pytest.mark.parametrize("module", ["psycopg", "mysql"])
def test_the_text_of_the_migrations_needs_no_driver(spawn: Spawn, module: str) -> None:
    spawn(list_migrations_without, module).succeed()


def serve_sqlite_without_any_driver(path: str) -> None:
    for module in ("psycopg", "psycopg_pool", "psycopg2", "mysql", "pymysql", "MySQLdb", "django"):
        sys.modules[module] = None  # type: ignore[assignment]
    url = f"sqlite:///{path}"
    outbox.migrate(url)
    from outbox.testing import drain

    received: list[bytes] = []
    builder = Outbox.builder(url).queue("orders", 1).leased(lambda msg: received.append(msg.payload))
    with builder.open() as opened:
        opened.enqueue_now("orders", b"x")
        drain(opened)
    print(received)


@pytest.mark.mp
def test_sqlite_needs_no_driver_at_all(spawn: Spawn, tmp_path: object) -> None:
    assert spawn(serve_sqlite_without_any_driver, f"{tmp_path}/shop.db").succeed() == "[b'x']"
