from __future__ import annotations

from collections.abc import Callable

import pytest

from outbox import EnqueueMessage, Outbox, OutboxClosed
from tests.support import Database


def uses(outbox: Outbox, conn: object) -> dict[str, Callable[[], object]]:
    return {
        "enqueue": lambda: outbox.enqueue(conn, "orders", b""),
        "enqueue_batch": lambda: outbox.enqueue_batch(conn, "orders", [EnqueueMessage(b"")]),
        "enqueue_now": lambda: outbox.enqueue_now("orders", b""),
        "transaction": lambda: outbox.transaction().__enter__(),
        "flush": outbox.flush,
        "register_queue": lambda: outbox.register_queue("other", 1),
        "queue_of": lambda: outbox.queue_of(1),
        "status": outbox.status,
    }


def assert_closed(outbox: Outbox, database: Database) -> None:
    for use in uses(outbox, database.connect()).values():
        with pytest.raises(OutboxClosed, match="closed; build a new one"):
            use()
    assert database.count("outbox_body") == 0


@pytest.fixture(params=["url", "engine"])
def target(request: pytest.FixtureRequest, migrated: Database) -> object:
    return migrated.url if request.param == "url" else migrated.engine()


def test_a_closed_outbox_refuses_everything_and_closes_again(target: object, migrated: Database) -> None:
    outbox = Outbox.builder(target).queue("orders", 2).enqueue_only().open()
    outbox.close()
    assert_closed(outbox, migrated)
    outbox.close()


def test_a_with_block_closes_its_outbox_also_on_an_error(target: object, migrated: Database) -> None:
    builder = Outbox.builder(target).queue("orders", 2).enqueue_only()
    with pytest.raises(LookupError), builder.open() as outbox:
        raise LookupError
    assert_closed(outbox, migrated)


def test_a_stopped_handle_takes_its_outbox_along_and_stops_again(target: object, migrated: Database) -> None:
    handle = Outbox.builder(target).queue("orders", 2).leased(print).start()
    assert handle.healthy()
    assert handle.stop()
    assert_closed(handle.outbox, migrated)
    assert handle.stop()
    assert not handle.healthy()
    assert handle.stats().in_progress == 0


def test_a_handle_may_be_stopped_in_its_with_block_and_not_be_entered_again(migrated: Database) -> None:
    handle = Outbox.builder(migrated.url).queue("orders", 2).leased(print).start()
    with handle:
        assert handle.stop()
    assert_closed(handle.outbox, migrated)
    with pytest.raises(OutboxClosed, match="start the builder again"), handle:
        pass


def test_a_builder_makes_as_many_outboxes_as_are_wanted(target: object, migrated: Database) -> None:
    builder = Outbox.builder(target).queue("orders", 2).enqueue_only()
    with builder.open() as first:
        builder.open().close()
        assert first.enqueue_now("orders", b"") > 0
    with builder.open() as second:
        assert second.enqueue_now("orders", b"") > 0
    assert migrated.count("outbox_body") == 2


def test_the_users_engine_survives_all_of_it(migrated: Database) -> None:
    engine = migrated.engine()
    with Outbox.builder(engine).queue("orders", 2).leased(print).start():
        pass
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM outbox_partitions").scalar() == 2
