"""Handlers by decorator."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from outbox import Batch, ConfigurationError, Handlers, Outbox, OutboxMessage
from outbox.testing import drain
from tests.support import Database

pytestmark = pytest.mark.backends("sqlite")


def shop(seen: list[object]) -> Handlers:
    app = Handlers()

    @app.leased("orders", partitions=4, max_attempts=5)
    def ship(message: OutboxMessage) -> None:
        seen.append(("ship", message.json()))

    @app.leased_batch("prints", partitions=1)
    def print_all(batch: Batch) -> None:
        seen.append(("print", len(batch)))

    @app.transactional("audit", partitions=1)
    def audit(conn: Any, message: OutboxMessage) -> None:
        seen.append(("audit", conn.execute("SELECT 1").fetchone()[0], message.json()))

    @app.transactional_batch("sums", partitions=1)
    def add(_: Any, messages: list[OutboxMessage]) -> None:
        seen.append(("sums", sum(message.json() for message in messages)))

    # The functions stay what they are.
    ship_again: Any = ship
    assert ship_again.__name__ == "ship"
    return app


def test_a_builder_takes_them_as_if_they_were_declared_there(migrated: Database) -> None:
    seen: list[object] = []
    builder = Outbox.builder(migrated.url).handlers(shop(seen)).queue("others", 1).enqueue_only()
    with builder.open() as outbox:
        for queue in ("orders", "prints", "audit", "sums", "others"):
            outbox.enqueue_now(queue, 7)
        assert drain(outbox).processed == 4
    assert sorted(map(str, seen)) == ["('audit', 1, 7)", "('print', 1)", "('ship', 7)", "('sums', 7)"]


def test_they_are_found_by_the_name_of_a_module(migrated: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    module = ModuleType("shop_handlers")
    module.app = shop(seen)  # type: ignore[attr-defined]
    module.again = module.app  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "shop_handlers", module)
    with Outbox.builder(migrated.url).handlers("shop_handlers", module.app).open() as outbox:
        outbox.enqueue_now("orders", 1)
        drain(outbox)
    assert seen == [("ship", 1)]


def nothing(_: OutboxMessage) -> None:
    """A handler that is never called."""


def test_mistakes_show_where_they_are_made() -> None:
    app = shop([])
    builder = Outbox.builder("sqlite:///x.db")
    with pytest.raises(ConfigurationError, match="it has a handler already"):
        app.leased("orders", partitions=4)
    with pytest.raises(ConfigurationError, match="max_attempts"):
        app.leased("new", partitions=4, max_attempts=0)(nothing)
    with pytest.raises(ConfigurationError, match="there is no such option"):
        app.leased("new", partitions=4, retries=3)(nothing)
    with pytest.raises(ConfigurationError, match="partitions"):
        app.leased("new", partitions=3)
    with pytest.raises(ConfigurationError, match="no Handlers object"):
        builder.handlers("json")
    with pytest.raises(ConfigurationError, match="give a Handlers object"):
        builder.handlers(print)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="declared already"):
        builder.handlers(app).handlers(app)
    with pytest.raises(ModuleNotFoundError):
        builder.handlers("no_such_module_here")
