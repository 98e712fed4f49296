from __future__ import annotations

from outbox.backends.protocol import Backend
from outbox.backends.records import DeadLetterRecord, RefusalKind, Settlement, SettleResult
from tests.contract.actor import Actor, payloads
from tests.contract.producer import Producer
from tests.support import Database


def test_success_moves_the_cursor_and_releases_the_lease(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a", b"b")
    actor.take(ids[0])

    assert actor.settle(Settlement(ids[0], 2)) == SettleResult([], [ids[0]], [])
    assert actor.row(ids[0]) == (2, 0, None, None, False)
    assert actor.refusal(ids[0]).kind is RefusalKind.IDLE


def test_a_failure_keeps_the_cursor_and_stores_why(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a", b"b", b"c")
    actor.take(ids[0])

    reason = "ValueError: “quoted” 'text' \\ % ? :x {} \n ☃"
    assert actor.settle(Settlement(ids[0], 1, attempts=1, last_error=reason)).released == [ids[0]]
    assert actor.row(ids[0]) == (1, 1, reason, None, False)
    assert payloads(actor.take(ids[0])) == [b"b", b"c"]


def test_a_delay_holds_the_partition_for_everybody(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a")
    actor.take(ids[0])
    actor.settle(Settlement(ids[0], 0, attempts=1, last_error="no", delay=20.0))

    refusal = actor.refusal(ids[0])

    assert refusal.kind is RefusalKind.HELD
    assert 10 < refusal.retry_in <= 20
    assert actor.row(ids[0]) == (0, 1, "no", None, True)
    actor.expire(ids[0])
    delivery = actor.take(ids[0])
    assert (delivery.attempts, delivery.crashed) == (1, False)


def test_the_lease_is_kept_and_the_next_batch_read_where_there_is_more(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], *[b"%d" % n for n in range(5)])
    actor.take(ids[0], limit=2)

    settled = actor.settle(Settlement(ids[0], 2, next_limit=2), lease=50.0)

    (delivery,) = settled.deliveries
    assert (delivery.cursor, delivery.attempts, delivery.crashed) == (2, 0, False)
    assert [(message.seq, message.payload) for message in delivery.messages] == [(3, b"2"), (4, b"3")]
    assert (settled.released, settled.lost) == ([], [])
    assert actor.row(ids[0]) == (2, 1, None, "mine", True)
    assert 40 < actor.refusal(ids[0]).retry_in <= 50


def test_the_lease_is_released_when_nothing_more_is_there(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a")
    actor.take(ids[0])

    assert actor.settle(Settlement(ids[0], 1, next_limit=10)) == SettleResult([], [ids[0]], [])
    assert actor.row(ids[0]) == (1, 0, None, None, False)


def test_reading_on_obeys_the_byte_budget(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a", b"x" * 60, b"y" * 60, b"z" * 60)
    actor.take(ids[0], limit=1)

    (delivery,) = actor.settle(Settlement(ids[0], 1, next_limit=10), max_bytes=100).deliveries

    assert [message.seq for message in delivery.messages] == [2, 3]


def test_somebody_elses_token_changes_nothing(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a", b"b")
    actor.take(ids[0])
    before = actor.row(ids[0])

    stranger = Settlement(ids[0], 2, next_limit=5, dead=(DeadLetterRecord(1, "no", 1),))
    assert actor.settle(stranger, token="other") == SettleResult([], [], [ids[0]])
    assert actor.row(ids[0]) == before
    assert actor.dead() == []


def test_an_expired_lease_changes_nothing_even_when_nobody_else_took_it(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a", b"b")
    actor.take(ids[0])
    actor.expire(ids[0])
    before = actor.row(ids[0])

    zombie = Settlement(ids[0], 2, dead=(DeadLetterRecord(2, "no", 1),))
    assert actor.settle(zombie) == SettleResult([], [], [ids[0]])
    assert actor.row(ids[0]) == before
    assert actor.dead() == []


def test_a_zombie_cannot_release_the_next_owners_lease(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a", b"b")
    actor.take(ids[0], token="zombie")
    actor.expire(ids[0])
    actor.take(ids[0], token="owner")

    assert actor.settle(Settlement(ids[0], 2), token="zombie").lost == [ids[0]]
    assert actor.row(ids[0]) == (0, 2, None, "owner", True)
    assert actor.settle(Settlement(ids[0], 1), token="owner").released == [ids[0]]


def test_a_group_is_settled_at_once_whatever_became_of_each(ids: list[int], actor: Actor) -> None:
    for partition_id in ids:
        actor.deliverable(partition_id, b"a", b"b", b"c")
    actor.lease(*ids, limit=2)
    actor.expire(ids[3])

    settled = actor.settle(
        Settlement(ids[0], 2, next_limit=5),
        Settlement(ids[1], 1, attempts=1, last_error="no", delay=5.0),
        Settlement(ids[2], 2, dead=(DeadLetterRecord(1, "poison", 3),)),
        Settlement(ids[3], 2, dead=(DeadLetterRecord(2, "zombie", 1),)),
    )

    assert [(found.partition_id, payloads(found)) for found in settled.deliveries] == [(ids[0], [b"c"])]
    assert (sorted(settled.released), settled.lost) == ([ids[1], ids[2]], [ids[3]])
    assert actor.row(ids[0]) == (2, 1, None, "mine", True)
    assert actor.row(ids[1]) == (1, 1, "no", None, True)
    assert actor.row(ids[2]) == (2, 0, None, None, False)
    assert actor.row(ids[3])[0] == 0
    assert actor.dead() == [(1, "poison", 3)]


def test_a_dead_letter_carries_the_whole_message(
    store: Backend, ids: list[int], actor: Actor, producer: Producer, migrated: Database
) -> None:
    sent = producer.put(ids[0], b"\x00\xff", "text/plain", '{"a":"b"}')
    producer.commit()
    store.sequence(ids, 10)
    actor.take(ids[0])
    actor.settle(Settlement(ids[0], 1, dead=(DeadLetterRecord(1, "why ☃", 2),)))

    (letter,) = migrated.query(
        "SELECT message_id, partition_id, seq, payload, payload_type, headers, last_error, attempts, status, "
        "completed_at, deadline, claim FROM outbox_dead_letters"
    )
    assert (*letter[:3], bytes(letter[3]), *letter[4:]) == (
        *(sent, ids[0], 1, b"\x00\xff", "text/plain", '{"a":"b"}', "why ☃", 2, "pending"),
        *(None, None, None),
    )
    assert migrated.value(
        "SELECT count(*) FROM outbox_dead_letters d JOIN outbox_body b ON b.id = d.message_id "
        "WHERE d.created_at = b.created_at AND d.failed_at >= d.created_at"
    )
    assert store.dead_letter_counts() == {"pending": 1}


def test_a_message_without_a_body_can_be_dead_lettered(
    ids: list[int], actor: Actor, migrated: Database
) -> None:
    (lost,) = actor.deliverable(ids[0], b"lost")
    migrated.execute("DELETE FROM outbox_body WHERE id = ?", lost)
    actor.take(ids[0])
    actor.settle(Settlement(ids[0], 1, dead=(DeadLetterRecord(1, "body is missing", 1),)))

    assert actor.dead() == [(1, "body is missing", 1)]
    assert bytes(migrated.value("SELECT payload FROM outbox_dead_letters")) == b""


def test_a_settlement_that_is_sent_twice_does_nothing_twice(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a", b"b", b"c", b"d")
    actor.take(ids[0], limit=2)
    settlement = Settlement(ids[0], 2, next_limit=1, dead=(DeadLetterRecord(2, "no", 1),))

    first = actor.settle(settlement)
    again = actor.settle(settlement)

    assert payloads(first.deliveries[0]) == payloads(again.deliveries[0]) == [b"c"]
    assert again.deliveries[0].cursor == 2
    assert actor.dead() == [(2, "no", 1)]
    assert actor.row(ids[0]) == (2, 1, None, "mine", True)


def test_a_settlement_that_comes_again_after_the_release_is_lost(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a", b"b")
    actor.take(ids[0])
    settlement = Settlement(ids[0], 1, dead=(DeadLetterRecord(1, "no", 1),))

    assert actor.settle(settlement).released == [ids[0]]
    assert actor.settle(settlement).lost == [ids[0]]
    assert actor.dead() == [(1, "no", 1)]


def test_the_cursor_never_goes_back(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a", b"b", b"c")
    actor.take(ids[0], limit=1)
    actor.settle(Settlement(ids[0], 2, next_limit=1))
    actor.settle(Settlement(ids[0], 1))

    assert actor.row(ids[0])[0] == 2


def test_a_whole_batch_can_be_dead_lettered_as_one_set(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], *[b"x"] * 50)
    actor.take(ids[0], limit=50)
    letters = tuple(DeadLetterRecord(seq, f"no {seq}", 1) for seq in range(1, 51))

    actor.settle(Settlement(ids[0], 50, dead=letters))

    assert sorted(actor.dead()) == [(seq, f"no {seq}", 1) for seq in range(1, 51)]


def test_a_reason_of_two_thousand_characters_is_kept_whole(ids: list[int], actor: Actor) -> None:
    actor.deliverable(ids[0], b"a", b"b")
    actor.take(ids[0])
    reason = "☃𝄞" * 1000

    dead = (DeadLetterRecord(1, reason, 1),)
    actor.settle(Settlement(ids[0], 1, attempts=1, last_error=reason, dead=dead))

    assert actor.row(ids[0])[2] == reason
    assert actor.dead() == [(1, reason, 1)]


def test_a_lease_is_renewed_only_for_its_owner_and_only_while_it_runs(
    store: Backend, ids: list[int], actor: Actor
) -> None:
    for partition_id in ids[:3]:
        actor.deliverable(partition_id, b"a")
    actor.lease(ids[0], ids[1], lease=5.0)
    actor.take(ids[2], token="other", lease=5.0)
    actor.expire(ids[1])

    assert store.renew(ids, token="mine", lease=60.0) == {ids[0]}
    assert actor.refusal(ids[0]).retry_in > 50
    assert actor.refusal(ids[2]).retry_in <= 5
    assert actor.row(ids[0])[1] == 1
    assert actor.take(ids[1]).crashed
