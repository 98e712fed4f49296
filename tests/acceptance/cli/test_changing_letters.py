from __future__ import annotations

import json

import pytest

from outbox import DeadLetterStatus
from tests.acceptance.cli.shell import Shell
from tests.acceptance.dead_letters.office import Office

NOT_OPEN = "not there, completed, claimed by another, or not what the options ask for"


def test_nothing_is_changed_when_there_is_nobody_to_ask(shell: Shell, office: Office) -> None:
    ids = office.put(b"a", b"b")
    before = office.states()

    for verb in ("discard", "requeue"):
        assert "--yes" in shell.fails(5, "dead-letters", verb, *ids)
    assert office.states() == before


def test_a_forgotten_filter_does_not_mean_all(shell: Shell, office: Office) -> None:
    office.put(b"a")
    before = office.states()

    for verb in ("discard", "requeue"):
        assert "--all" in shell.fails(2, "dead-letters", verb, "--yes")
    assert office.states() == before


@pytest.mark.parametrize(("answer", "code", "status"), [("y", 0, "discarded"), ("n", 5, "pending")])
def test_the_letters_are_shown_before_the_question(
    shell: Shell, office: Office, answer: str, code: int, status: str
) -> None:
    first, second = office.put(b"a", b"b")

    done = shell.answer(answer, "dead-letters", "discard", first, second)

    assert done.returncode == code
    assert [line.split()[0] for line in done.lines[1:3]] == [str(first), str(second)]
    assert done.lines[3] == "2 letters will be discarded."
    assert "Go on? [y/N]" in done.stderr
    assert set(office.states().values()) == {status}


def test_the_question_says_it_all_where_the_output_is_json(shell: Shell, office: Office) -> None:
    office.put(b"a", b"b")

    done = shell.answer("y", "dead-letters", "discard", "--all", "--json")

    assert (done.returncode, done.json) == (0, {"discarded": 2})
    assert "2 letters will be discarded. Go on? [y/N]" in done.stderr


def test_only_the_chosen_letters_are_discarded(shell: Shell, office: Office) -> None:
    plain = office.put(b"a", b"b")
    special = office.put(b"c", b"d", b"e", payload_type="special")

    assert shell("dead-letters", "discard", "--type", "special", "--limit", 2, "--yes", "--json").json == {
        "discarded": 2
    }
    assert office.states() == dict(
        zip([*plain, *special], ["pending"] * 2 + ["discarded"] * 2 + ["pending"], strict=True)
    )


def test_letters_that_are_done_with_are_not_sent_again(shell: Shell, office: Office) -> None:
    (first,) = office.put(b"a")
    assert shell("dead-letters", "requeue", first, "--yes").returncode == 0

    again = shell("dead-letters", "requeue", first, "--yes")

    assert again.lines == [f"0 letters requeued, 1 unchanged ({NOT_OPEN})"]
    assert again.stderr == "outbox: no matching dead letters: none can be requeued\n"
    assert again.returncode == 1


@pytest.mark.parametrize(
    ("verb", "done", "why"),
    [
        ("discard", "discarded", NOT_OPEN),
        ("requeue", "requeued", NOT_OPEN),
        ("cleanup", "deleted", "not there, not completed, or not what the options ask for"),
    ],
)
def test_a_script_learns_that_some_of_the_letters_it_named_stayed_as_they_were(
    shell: Shell, office: Office, verb: str, done: str, why: str
) -> None:
    ids = office.every_status()
    good = ids[DeadLetterStatus.RESOLVED if verb == "cleanup" else DeadLetterStatus.PENDING]
    bad = ids[DeadLetterStatus.PENDING if verb == "cleanup" else DeadLetterStatus.RESOLVED]

    told = shell("dead-letters", verb, good, bad, 10**9, "--yes")
    again = shell("dead-letters", verb, good, bad, "--yes", "--json")

    limited = shell("dead-letters", verb, good, bad, "--limit", 5, "--yes")

    assert (told.returncode, told.lines[-1]) == (1, f"1 letter {done}, 2 unchanged ({why})")
    assert (limited.returncode, limited.lines[-1]) == (1, f"0 letters {done}, 2 unchanged ({why})")
    assert (again.returncode, json.loads(again.stdout)) == (1, {done: 0, "unchanged": 2})


def test_letters_that_are_settled_or_sent_again_are_counted_in_json(shell: Shell, office: Office) -> None:
    first, second, third = office.put(b"a", b"b", b"c")

    assert shell("dead-letters", "resolve", first, "--json").json == {"resolved": 1, "unchanged": 0}
    assert shell("dead-letters", "reject", second, "--reason", "no", "--json").json == {
        "rejected": 1,
        "unchanged": 0,
    }
    assert shell("dead-letters", "requeue", third, "--yes", "--json").json == {"requeued": 1, "unchanged": 0}
    assert shell("dead-letters", "requeue", "--all", "--yes", "--json").json == {"requeued": 1}
    assert office.states() == {first: "resolved", second: "resolved", third: "resolved"}


def test_letters_go_through_the_pipeline_again(shell: Shell, office: Office) -> None:
    office.fail("a", "b", partition=1)

    assert shell("dead-letters", "requeue", "--all", "--yes").lines[-1] == "2 letters requeued"

    seen: list[object] = []
    hands = office.bench.by_hand(lambda queue: queue.leased(lambda msg: seen.append(msg.json())))
    hands.work()
    assert seen == ["a", "b"]
    assert set(office.states().values()) == {"resolved"}


def test_only_what_is_completed_is_cleaned_up(shell: Shell, office: Office) -> None:
    ids = office.every_status()

    assert shell("dead-letters", "cleanup", "--failed-before", "2026-11-20T11:00", "--yes").lines == [
        "0 letters deleted"
    ]
    assert shell("dead-letters", "cleanup", "--status", "discarded", "--yes").lines[-1] == "1 letter deleted"
    assert ids[DeadLetterStatus.DISCARDED] not in office.states()
    assert shell("dead-letters", "cleanup", "--yes").lines[-1] == "1 letter deleted"
    assert set(office.states().values()) == {"pending", "reprocessing"}


def test_letters_are_settled_by_hand(shell: Shell, office: Office) -> None:
    first, second, third = office.put(b"a", b"b", b"c")

    assert shell("dead-letters", "resolve", first).lines == ["1 letter resolved"]
    assert shell("dead-letters", "reject", second, "--reason", "no such item").lines == ["1 letter rejected"]
    assert office.states() == {first: "resolved", second: "pending", third: "pending"}
    assert (
        office.database.value("SELECT last_error FROM outbox_dead_letters WHERE id = ?", second)
        == "no such item"
    )

    again = shell("dead-letters", "resolve", first, third)
    assert (again.returncode, again.lines[0][:30]) == (1, "1 letter resolved, 1 unchanged")


def test_claimed_letters_are_settled_by_their_claim_alone(shell: Shell, office: Office) -> None:
    first, second = office.put(b"a", b"b")
    claimed = shell("dead-letters", "replay", "--timeout", "5m", "--json").json
    (claim,) = {letter["claim"] for letter in claimed}
    assert [letter["id"] for letter in claimed] == [first, second]
    assert set(office.states().values()) == {"reprocessing"}

    assert shell("dead-letters", "resolve", first).returncode == 1
    assert shell("dead-letters", "resolve", first, "--claim", "another").returncode == 1
    assert shell("dead-letters", "resolve", first, "--claim", claim).returncode == 0
    assert shell("dead-letters", "reject", second, "--claim", claim, "--reason", "later").returncode == 0
    assert office.states() == {first: "resolved", second: "pending"}
