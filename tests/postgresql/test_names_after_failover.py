"""Numbers that a promoted standby gives out once more, and the names that tell the messages apart."""

from __future__ import annotations

from typing import NamedTuple

import pytest

import outbox
from outbox import Outbox, OutboxMessage
from tests.postgresql.test_standby import (  # noqa: F401 - fixtures
    BACK_WITHIN,
    LEASE,
    caught_up,
    database,
    name_of,
    standby,
)
from tests.servers.postgres import PostgresStandby
from tests.support import Database, PrivateServer, eventually

pytestmark = [pytest.mark.slow, pytest.mark.backends("postgresql")]

COUNT = 60


class Fact(NamedTuple):
    """What a handler saw of a message."""

    id: int
    seq: int
    uid: str
    source: str


class Seen:
    """A handler that remembers."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def __call__(self, msg: OutboxMessage) -> None:
        self.facts.append(Fact(msg.id, msg.seq, msg.uid, msg.source))


def test_messages_that_get_lost_numbers_again_have_names_of_their_own(
    database: Database,  # noqa: F811
    standby: PostgresStandby,  # noqa: F811
    private_server: PrivateServer,
) -> None:
    seen = Seen()
    hosts = f"127.0.0.1:{standby.port},{private_server.url.partition('@')[2].partition('/')[0]}"
    url = f"postgresql://outbox@{hosts}/{name_of(database)}?target_session_attrs=read-write"
    with Outbox.builder(url).queue("orders", 1).leased(seen, lease=LEASE).start() as handle:
        send(handle.outbox)
        eventually(lambda: len(seen.facts) == COUNT)
        eventually(lambda: caught_up(standby, database))
        # The last seconds: they are delivered, and the standby will never know.
        standby.stop()
        send(handle.outbox)
        eventually(lambda: len(seen.facts) == 2 * COUNT)
        lost = seen.facts[COUNT:]
        private_server.kill()
        standby.start()
        standby.promote()
        eventually(lambda: can_send(handle.outbox), BACK_WITHIN)
        send(handle.outbox)
        eventually(lambda: len(seen.facts) >= 3 * COUNT + 1, BACK_WITHIN)

    after = seen.facts[2 * COUNT :]
    again = {fact.id for fact in lost} & {fact.id for fact in after}
    assert again, "no id came again, so nothing was shown"
    assert {fact.seq for fact in lost} & {fact.seq for fact in after}
    assert len({fact.uid for fact in seen.facts}) == len(seen.facts)
    assert {fact.source[-2:] for fact in seen.facts[: 2 * COUNT]} == {"-1"}
    assert {fact.source[-2:] for fact in after} == {"-2"}
    print(f"{len(again)} of {len(lost)} lost ids came again")


def send(producer: Outbox) -> None:
    for number in range(COUNT):
        producer.enqueue_now("orders", number)


def can_send(producer: Outbox) -> bool:
    try:
        producer.enqueue_now("orders", -1)
    except outbox.OutboxError:
        return False
    return True
