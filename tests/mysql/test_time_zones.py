"""Sessions that follow local clocks, in the night in which these are put back."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest

from outbox import Outbox
from outbox.backends.protocol import Backend
from tests.contract.actor import Actor
from tests.contract.producer import Producer
from tests.mysql.conftest import Opener
from tests.support import Database, PrivateServer

pytestmark = pytest.mark.backends("mysql", "mariadb")

# In Central Europe half past two comes twice: at 00:30 and at 01:30 UTC.
NIGHT = datetime(2026, 10, 25, tzinfo=timezone.utc)
SENT, ASKED, ENDED = (NIGHT + timedelta(minutes=minutes) for minutes in (50, 69, 71))
LEASE = 20 * 60.0
HALF_PAST_TWO = timedelta(hours=2, minutes=30)


def at(moment: datetime, database: Database) -> str:
    """Return a URL whose sessions live at that moment, by the server's local clock."""
    return f"{database.url}?init_command=SET time_zone = 'SYSTEM', timestamp = {moment.timestamp():.0f}"


def test_a_lease_over_the_repeated_hour_is_as_long_as_any_other(
    private_server: PrivateServer, opened: Opener
) -> None:
    database = private_server.new_database()
    assert local_clock(database, NIGHT + timedelta(minutes=30)) == HALF_PAST_TWO
    assert local_clock(database, NIGHT + timedelta(minutes=90)) == HALF_PAST_TWO

    with Outbox.builder(at(SENT, database)).queue("orders", 1).enqueue_only().open() as outbox:
        outbox.enqueue_now("orders", "a")
        ids = [partition.partition_id for partition in outbox.status().partitions]
    with closing(Producer(database)) as nobody:
        sent, asked, ended = (
            Actor(opened(at(moment, database)), database, nobody) for moment in (SENT, ASKED, ENDED)
        )
        sent.store.sequence(ids, 10)
        assert sent.take(ids[0], token="first", lease=LEASE).messages[0].created_at == SENT
        # By the local clock it ends forty minutes before it began.
        assert asked.refusal(ids[0], token="second").retry_in == pytest.approx(60)
        assert [message.seq for message in ended.take(ids[0], token="second").messages] == [1]
        assert oldest_age(ended.store, ids) == pytest.approx((ENDED - SENT).total_seconds())


def local_clock(database: Database, moment: datetime) -> timedelta:
    clock: timedelta = database.value("SELECT time(from_unixtime(?))", moment.timestamp())
    return clock


def oldest_age(store: Backend, ids: list[int]) -> float | None:
    (status,) = store.partition_status(ids)
    return status.oldest_age
