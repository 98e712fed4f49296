from __future__ import annotations

import pytest
import sqlalchemy

from outbox.backends.protocol import Backend
from outbox.backends.records import DeadLetterRecord, Refusal, RefusalKind, Settlement
from tests.contract.actor import Actor, payloads
from tests.contract.handling import Handled, effect, effects, refusal, turn
from tests.support import Database


def test_the_handlers_writes_and_the_cursor_commit_together(
    either: Backend, ids: list[int], actor: Actor, migrated: Database
) -> None:
    actor.deliverable(ids[0], b"a", b"b")

    with turn(either, ids[0]) as open_turn:
        assert (open_turn.delivery.cursor, open_turn.delivery.attempts) == (0, 0)
        assert payloads(open_turn.delivery) == [b"a", b"b"]
        for n in (1, 2):
            open_turn.savepoint()
            effect(open_turn.connection, n)
        open_turn.seal()
        open_turn.settle(Settlement(ids[0], 2))

    assert effects(migrated) == [1, 2]
    assert actor.row(ids[0]) == (2, 0, None, None, False)


def test_an_exception_undoes_everything(
    either: Backend, ids: list[int], actor: Actor, migrated: Database
) -> None:
    actor.deliverable(ids[0], b"a")

    with pytest.raises(Handled), turn(either, ids[0]) as open_turn:  # noqa: PT012 - the block is the handler
        effect(open_turn.connection, 1)
        open_turn.settle(Settlement(ids[0], 1, dead=(DeadLetterRecord(1, "no", 1),)))
        raise Handled

    assert effects(migrated) == []
    assert actor.row(ids[0]) == (0, 0, None, None, False)
    assert actor.dead() == []


def test_a_failing_messages_writes_are_undone_and_the_prefix_commits(
    either: Backend, ids: list[int], actor: Actor, migrated: Database
) -> None:
    actor.deliverable(ids[0], b"a", b"b", b"c")

    with turn(either, ids[0]) as open_turn:
        for n in (1, 2):
            open_turn.savepoint()
            effect(open_turn.connection, n)
        open_turn.rollback()
        open_turn.settle(Settlement(ids[0], 1, attempts=1, last_error="no", delay=20.0))

    assert effects(migrated) == [1]
    assert actor.row(ids[0]) == (1, 1, "no", None, True)
    assert refusal(either, ids[0]).kind is RefusalKind.HELD


def test_a_failed_statement_does_not_poison_the_transaction(
    either: Backend, ids: list[int], actor: Actor, migrated: Database
) -> None:
    actor.deliverable(ids[0], b"a", b"b")

    with turn(either, ids[0]) as open_turn:
        open_turn.savepoint()
        effect(open_turn.connection, 1)
        open_turn.savepoint()
        with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
            effect(open_turn.connection, 1)
        open_turn.rollback()
        open_turn.savepoint()
        effect(open_turn.connection, 3)
        open_turn.seal()
        open_turn.settle(Settlement(ids[0], 2, dead=(DeadLetterRecord(2, "twice", 1),)))

    assert effects(migrated) == [1, 3]
    assert actor.dead() == [(2, "twice", 1)]
    assert actor.row(ids[0])[0] == 2


def test_a_batch_is_undone_to_its_only_savepoint(
    either: Backend, ids: list[int], actor: Actor, migrated: Database
) -> None:
    actor.deliverable(ids[0], b"a", b"b")

    with turn(either, ids[0]) as open_turn:
        open_turn.savepoint()
        effect(open_turn.connection, 1)
        effect(open_turn.connection, 2)
        open_turn.rollback()
        open_turn.settle(Settlement(ids[0], 0, attempts=1, last_error="no"))

    assert effects(migrated) == []
    assert actor.row(ids[0]) == (0, 1, "no", None, False)


def test_the_handler_gets_the_users_kind_of_connection(
    store: Backend, engine_store: Backend, ids: list[int], actor: Actor, migrated: Database
) -> None:
    actor.deliverable(ids[0], b"a")

    with turn(store, ids[0]) as open_turn:
        assert type(open_turn.connection).__module__.partition(".")[0] in {"psycopg", "mysql", "sqlite3"}
    with turn(engine_store, ids[0]) as open_turn:
        assert isinstance(open_turn.connection, sqlalchemy.Connection)


def test_a_turn_without_a_word_changes_nothing(either: Backend, ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a")
    with turn(either, ids[0]):
        pass

    assert actor.row(ids[0]) == (0, 0, None, None, False)


def test_a_partition_with_nothing_to_deliver_is_idle(either: Backend, ids: list[int]) -> None:
    assert refusal(either, ids[0]) == Refusal(ids[0], RefusalKind.IDLE)


def test_a_leased_partition_is_held(either: Backend, ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a")
    actor.take(ids[0], lease=20.0)

    found = refusal(either, ids[0])

    assert found.kind is RefusalKind.HELD
    assert 10 < found.retry_in <= 20


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_partition_in_another_transaction_is_locked_for_every_kind_of_worker(
    either: Backend, store: Backend, ids: list[int], actor: Actor
) -> None:
    actor.deliverable(ids[0], b"a")

    with turn(either, ids[0]) as open_turn:
        assert refusal(store, ids[0]) == Refusal(ids[0], RefusalKind.LOCKED)
        assert actor.refusal(ids[0]).kind is RefusalKind.LOCKED
        open_turn.settle(Settlement(ids[0], 1))


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_an_open_turn_blocks_neither_producers_nor_the_sequencer_nor_other_partitions(
    either: Backend, store: Backend, ids: list[int], actor: Actor
) -> None:
    actor.deliverable(ids[0], b"a")
    actor.deliverable(ids[1], b"a")

    with turn(either, ids[0]) as open_turn:
        effect(open_turn.connection, 1)
        actor.deliverable(ids[0], b"b")
        assert payloads(actor.take(ids[1])) == [b"a"]
        open_turn.settle(Settlement(ids[0], 1))

    with turn(either, ids[0]) as open_turn:
        assert payloads(open_turn.delivery) == [b"b"]


def test_suspicion_shrinks_the_batch_to_its_head(either: Backend, ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a", b"b")
    actor.take(ids[0])
    actor.expire(ids[0])

    with turn(either, ids[0]) as open_turn:
        assert (open_turn.delivery.attempts, open_turn.delivery.crashed) == (1, True)
        assert payloads(open_turn.delivery) == [b"a"]
        open_turn.settle(Settlement(ids[0], 0, attempts=2))
    with turn(either, ids[0]) as open_turn:
        assert len(open_turn.delivery.messages) == 2
    with turn(either, ids[0], one_if_failed=True) as open_turn:
        assert len(open_turn.delivery.messages) == 1


@pytest.mark.parametrize("how", ["commit", "rollback"])
def test_a_handler_that_ends_the_transaction_is_found_out(
    either: Backend, ids: list[int], actor: Actor, how: str
) -> None:
    actor.deliverable(ids[0], b"a")

    # psycopg refuses at once; the others obey, and the turn notices.
    with pytest.raises(Exception, match=r"(?i)transaction"), turn(either, ids[0]) as open_turn:  # noqa: PT012 - the block is the handler
        open_turn.savepoint()
        effect(open_turn.connection, 1)
        getattr(open_turn.connection, how)()
        open_turn.seal()

    assert actor.row(ids[0]) == (0, 0, None, None, False)
    with turn(either, ids[0]) as open_turn:
        assert payloads(open_turn.delivery) == [b"a"]


def test_a_partition_that_rests_is_held_unless_it_is_asked_for(
    either: Backend, ids: list[int], actor: Actor
) -> None:
    actor.deliverable(ids[0], b"a")
    with turn(either, ids[0]) as open_turn:
        open_turn.settle(Settlement(ids[0], 0, attempts=1, last_error="no", delay=20.0))

    assert refusal(either, ids[0]).kind is RefusalKind.HELD
    with turn(either, ids[0], ignore_backoff=True) as open_turn:
        assert (open_turn.delivery.attempts, payloads(open_turn.delivery)) == (1, [b"a"])
        open_turn.settle(Settlement(ids[0], 1))
    assert actor.row(ids[0]) == (1, 0, None, None, False)


def test_a_partition_under_a_lease_is_not_resting(either: Backend, ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a")
    delivery = actor.take(ids[0], lease=20.0)
    assert refusal(either, ids[0], ignore_backoff=True).kind is RefusalKind.HELD

    actor.expire(ids[0])
    with turn(either, ids[0], ignore_backoff=True) as open_turn:
        assert open_turn.delivery.crashed
        open_turn.settle(Settlement(ids[0], 1))
    assert actor.settle(Settlement(ids[0], delivery.cursor + 1)).lost == [ids[0]]


@pytest.mark.parametrize("ignore_backoff", [False, True])
def test_a_partition_that_does_not_exist_is_refused(
    either: Backend, ids: list[int], ignore_backoff: bool
) -> None:
    assert refusal(either, max(ids) + 1000, ignore_backoff=ignore_backoff).kind is RefusalKind.LOCKED
