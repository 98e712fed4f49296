"""What may happen between the statements of a pass."""

from __future__ import annotations

from typing import Any

import pytest

from outbox.backends.mysql import sequencer
from outbox.backends.protocol import Backend
from outbox.backends.records import Sequenced
from outbox.errors import Contention
from tests.contract.actor import Actor, payloads
from tests.contract.producer import Producer
from tests.mysql.conftest import Opener
from tests.support import Database

pytestmark = pytest.mark.backends("mysql", "mariadb")


def test_a_message_committed_between_the_steps_of_a_pass_is_neither_lost_nor_moved_twice(
    store: Backend,
    actor: Actor,
    ids: list[int],
    migrated: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late = Producer(migrated)
    late.put(ids[0], b"late")
    actor.producer.send(ids[0], b"early")

    def move(session: Any, waiting: Any) -> None:
        late.commit()
        original(session, waiting)

    original = sequencer.move
    monkeypatch.setattr(sequencer, "move", move)
    assert store.sequence(ids[:1], 10) == [Sequenced(ids[0], 1, 1)]
    assert store.sequence(ids[:1], 10) == [Sequenced(ids[0], 2, 1)]
    late.close()
    assert payloads(actor.take(ids[0])) == [b"early", b"late"]


def test_messages_that_another_sequencer_has_moved_are_not_moved_again(
    store: Any, actor: Actor, ids: list[int], migrated: Database
) -> None:
    (message_id,) = actor.deliverable(ids[0], b"1")
    with pytest.raises(Contention, match="another sequencer"), store._source.writing() as session:
        sequencer.move(session, [(ids[0], 1, [message_id])])
    assert migrated.count("outbox_outgoing") == 1


def test_a_pass_of_any_size_moves_everything_in_order(
    store: Backend, actor: Actor, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer, "ROWS_A_STATEMENT", 3)
    for partition_id in ids:
        actor.producer.send(partition_id, *[b"%d" % n for n in range(5)])
    assert store.sequence(ids, 4) == [Sequenced(partition_id, 1, 4) for partition_id in ids]
    assert store.sequence(ids, 4) == [Sequenced(partition_id, 5, 1) for partition_id in ids]
    assert payloads(actor.take(ids[2])) == [b"0", b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize("target", ["url", "engine"])
def test_a_transaction_of_the_workers_sees_what_others_commit_meanwhile(
    migrated: Database, opened: Opener, store: Backend, target: str
) -> None:
    source = opened(migrated.url if target == "url" else migrated.engine())._source  # type: ignore[attr-defined]
    with source.writing() as session:
        assert len(session.query("all_partitions")) == 0
        store.register_queue("late", 1)
        assert len(session.query("all_partitions")) == 1
