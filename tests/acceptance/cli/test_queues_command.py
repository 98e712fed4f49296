"""``outbox queues``, ``hold``, ``purge`` and ``parked``, and the groups of dead letters."""

from __future__ import annotations

import json

from outbox import OutboxMessage, Rate
from tests.acceptance.bench.bench import QUEUE, Bench
from tests.acceptance.cli.shell import Shell
from tests.support import Database

HANDLERS = """
def book(conn, msg):
    if msg.payload == b"bad":
        raise ValueError("still bad")

def ship(msg):
    raise LookupError("something new")
"""


def refuse(msg: OutboxMessage) -> None:
    raise ValueError("broken")


def test_a_pause_shows_in_the_status_and_in_the_doctor(bench: Bench, shell: Shell) -> None:
    bench.send(b"a")
    paused = shell("queues", "pause", QUEUE, "--partition", "0", "--reason", "bank", "--for", "1h")
    assert paused.stdout == "queue orders is paused\n"

    assert "partition 0 of queue orders is paused until" in shell("status").stdout
    assert shell("status", "--json").json["pauses"][0]["reason"] == "bank"
    assert "outbox queues resume orders" in shell("doctor", "--json").stdout

    assert shell("queues", "resume", QUEUE).stdout == "1 pause of queue orders ended\n"
    assert bench.producer.pauses() == []


def test_a_hold_is_begun_and_ended(bench: Bench, shell: Shell) -> None:
    assert shell("hold", "--reason", "restored").stdout == "all queues are held\n"
    assert "all queues are held: restored" in shell("status").stdout
    assert shell("hold", "--end").stdout == "the hold has ended\n"
    assert shell("hold", "--end", "--json").json == {"ended": False}


def test_the_next_message_is_skipped(bench: Bench, shell: Shell) -> None:
    (message_id,) = bench.send(b"a")
    bench.by_hand(lambda queue: queue.leased(refuse)).work()

    assert "the next message" in shell.fails(2, "queues", "skip", bench.ids[0], 7)
    assert shell("queues", "skip", bench.ids[0], 1, "--json").json == {"skipped": message_id}
    assert len(bench.dead()) == 1


def test_a_queue_is_resized(bench: Bench, shell: Shell) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(refuse))
    bench.send(b"a")
    hands.work()
    assert shell("queues", "resize", QUEUE, "8").stdout == (
        "queue orders has 8 partitions now; they are served when what the old ones hold is delivered\n"
    )
    assert "0 (old)" in shell("status").stdout
    being_resized = "queue orders is being resized: 2 new partitions waiting until 1 message of 1 old one"
    assert being_resized in shell("doctor", "--json").stdout
    assert "that many already" in shell.fails(2, "queues", "resize", QUEUE, "8")


def test_what_was_delivered_is_kept_and_delivered_again(bench: Bench, shell: Shell) -> None:
    assert shell("queues", "keep", QUEUE, "7d").stdout == "queue orders keeps what was delivered for 7 d\n"
    hands = bench.by_hand(lambda queue: queue.leased(lambda _: None))
    bench.send(b"a", b"b")
    hands.work()
    assert "queue orders keeps what was delivered for 7 d" in shell("status").stdout
    assert shell("status", "--json").json["settings"][0]["keep"] == 7 * 86_400
    assert "keeps what was delivered for 7 d: 2 messages" in shell("doctor", "--json").stdout
    again = shell("queues", "redeliver", QUEUE, "0", "2")
    assert again.stdout == "1 message of queue orders delivered again\n"
    assert "keeps nothing any more" in shell("queues", "keep", QUEUE, "0").stdout
    assert shell("status", "--json").json["settings"] == []


def test_a_queue_that_waits_for_its_rate_says_so(bench: Bench, shell: Shell) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(lambda _: None, rate=Rate(2, per=3600)))
    bench.send(b"a", b"b", b"c")
    hands.turn()
    said = "queue orders has a rate of 2 messages in 1 h: 0 may go now"
    assert said in shell("status").stdout
    assert bench.producer.status().settings[0].rate == Rate(2, per=3600)
    bench.database.execute("UPDATE outbox_body SET created_at = ?", bench.database.long_ago)
    assert f"{said}, and 1 wait, the oldest for" in shell("doctor", "--json").stdout


def test_a_queue_is_renamed_purged_and_dropped(bench: Bench, shell: Shell) -> None:
    bench.send(b"a", b"b")
    assert shell("queues", "rename", QUEUE, "purchases").stdout == "queue orders is called purchases now\n"
    assert "--yes" in shell.fails(5, "purge", "purchases")
    assert shell("purge", "purchases", "--yes").lines == [
        "Queue purchases will be purged of 2 messages.",
        "2 messages of queue purchases purged",
    ]
    assert shell("queues", "drop", "purchases", "--yes", "--json").json == {
        "dropped": "purchases",
        "purged": 0,
    }
    bench.send(b"late")
    assert f"purge purchases.dropped-{bench.ids[0]}" in shell("doctor", "--json").stdout


def test_parked_keys_are_listed_released_and_discarded(
    bench: Bench, shell: Shell, migrated: Database
) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(refuse, max_attempts=1, on_give_up="park_key"))
    assert shell("parked", "list").stdout == "no key is parked\n"
    for key in ("anna", "anna", "ben"):
        bench.producer.enqueue_now(QUEUE, b"bad", key=key)
    hands.work()

    assert {(key["key"], key["messages"]) for key in shell("parked", "list", "--json").json} == {
        ("anna", 2),
        ("ben", 1),
    }
    assert "parked: 2 keys with 3 messages" in shell("status").stdout
    assert "parked list" in shell("doctor", "--json").stdout
    assert shell("parked", "release", QUEUE, "anna").stdout == "2 messages of key anna released\n"
    assert "--yes" in shell.fails(5, "parked", "discard", QUEUE, "ben")
    assert shell("parked", "discard", QUEUE, "ben", "--yes", "--json").json == {"discarded": 1}
    assert shell("parked", "release", QUEUE, "ben").returncode == 1
    assert migrated.count("outbox_parked") == 0


def test_letters_are_grouped_rehearsed_and_replayed_until_something_is_new(
    bench: Bench, shell: Shell
) -> None:
    bench.send(b"bad", b"good")
    bench.by_hand(lambda queue: queue.leased(refuse, max_attempts=1)).work()
    shell.module("hands", HANDLERS)
    group = f"ValueError in {__name__}.refuse"

    assert [
        (found["fingerprint"], found["count"]) for found in shell("dead-letters", "groups", "--json").json
    ] == [(group, 2)]
    assert group in shell("dead-letters", "groups", "--queue", QUEUE).stdout
    rehearsed = shell("dead-letters", "rehearse", "--handler", "hands:book")
    assert (rehearsed.returncode, rehearsed.stdout) == (
        1,
        f"{group}: 1 would pass, 1 fail (1 of ValueError in hands.book)\n",
    )
    shell.fails(2, "dead-letters", "rehearse", "--handler", "hands:ship")
    replayed = shell(
        "dead-letters",
        "replay",
        "--group",
        group,
        "--handler",
        "hands:ship",
        "--stop-at-new",
        "--yes",
        "--json",
    )
    told = json.loads(replayed.stdout)
    assert (told["stopped_at"], told["rejected"]) == ("LookupError in hands.ship", 1)
