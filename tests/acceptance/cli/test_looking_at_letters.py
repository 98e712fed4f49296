from __future__ import annotations

import base64
import json
import subprocess

import pytest

from tests.acceptance.cli.shell import COMMAND, Shell
from tests.acceptance.dead_letters.office import Office


def test_an_empty_office_has_nothing_to_show(shell: Shell) -> None:
    assert shell("dead-letters", "list").lines == ["no dead letters match"]
    assert shell("dead-letters", "list", "--json").json == []
    assert shell("dead-letters", "count").lines == ["0"]
    assert "there is no dead letter 4711" in shell.fails(1, "dead-letters", "show", 4711)


def test_a_letter_can_be_found_and_read(shell: Shell, office: Office) -> None:
    (letter,) = office.fail({"order": 7, "name": "Müller"}, partition=2)

    (line,) = shell("dead-letters", "list", "--queue", "orders", "--partition", 2).lines[1:]
    assert line.split()[:6] == [str(letter.id), "orders", "2", "1", "pending", "1"]
    assert line.endswith("no good")

    shown = shell("dead-letters", "show", letter.id).stdout
    assert f"message:       {letter.message_id}\n" in shown
    assert "error:\n  no good\n" in shown
    assert shown.endswith('  {\n    "order": 7,\n    "name": "Müller"\n  }\n')

    (found,) = shell("dead-letters", "show", letter.id, "--json").json
    assert found["payload"] == {"order": 7, "name": "Müller"}
    assert base64.b64decode(found["payload_base64"]) == letter.payload


def test_bytes_are_shown_in_hexadecimal_and_written_raw(shell: Shell, office: Office) -> None:
    payload = b"\x00\xff\x1b[2Jboom" * 200
    (id_,) = office.put(payload)

    shown = shell("dead-letters", "show", id_).stdout
    assert "00000000  00 ff 1b 5b 32 4a 62 6f 6f 6d" in shown
    assert "bytes more; --raw writes all of them" in shown
    assert "\x1b" not in shown
    raw = subprocess.check_output(
        [*COMMAND, "dead-letters", "show", str(id_), "--raw"], env=shell.environment
    )
    assert raw == payload


def test_what_a_stranger_wrote_cannot_move_the_cursor(shell: Shell, office: Office) -> None:
    (id_,) = office.put(b"plain", payload_type="x")
    office.database.execute("UPDATE outbox_dead_letters SET last_error = ?", "\x1b[2J[red]gone[/red]\r\x07")

    for done in (shell("dead-letters", "list"), shell("dead-letters", "show", id_)):
        assert "\x1b" not in done.stdout
        assert "[red]gone[/red]" in done.stdout


def test_payloads_that_break_a_json_library_are_shown_and_do_not_end_a_listing(
    shell: Shell, office: Office
) -> None:
    deep = b"[" * 30_000 + b"]" * 30_000
    nested, halved = office.put(deep, b'{"name": "\\ud800"}', payload_type="application/json")

    shown = shell("dead-letters", "show", nested, halved)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert '"name": "\\ud800"' in shown.stdout
    for words in (("list", "--payload"), ("show", halved, nested)):
        found = shell("dead-letters", *words, "--json").json
        assert [letter["payload"] for letter in found] == [{"name": "\ud800"}, deep.decode()]


def test_filters_are_those_of_the_library(shell: Shell, office: Office) -> None:
    by_status = office.every_status()
    typed = office.put(b"typed", payload_type="special")

    def ids(*words: object) -> list[int]:
        return [letter["id"] for letter in shell("dead-letters", "list", "--json", *words).json]

    everything = sorted([*by_status.values(), *typed], reverse=True)
    assert ids("--status", "any") == everything
    assert ids("--status", "discarded") == [max(by_status.values())]
    assert ids("--type", "special") == typed
    assert ids("--status", "any", "--limit", 2) == everything[:2]
    assert ids("--status", "any", "--after-id", everything[1]) == everything[2:]
    assert ids(*typed, 999_999) == typed
    assert ids("--failed-after", "2026-11-20T12:00:01Z") == []
    assert len(ids("--failed-before", "2026-11-20T12:00:01", "--status", "any")) == 5
    assert shell("dead-letters", "count", "--status", "any").lines == ["5"]
    assert shell("dead-letters", "count", "--status", "any", "--json").json == {"count": 5}


def test_a_queue_that_does_not_exist_is_not_taken_for_an_empty_one(shell: Shell, office: Office) -> None:
    for verb in (("list",), ("count",), ("discard", "--yes"), ("replay", "--handler", "builtins:print")):
        assert "no queue 'ordres' in this database; there are orders" in shell.fails(
            2, "dead-letters", *verb, "--queue", "ordres"
        )
    assert "no queue 'ordres' in this database; there are orders" in shell.fails(
        2, "status", "--queue", "ordres"
    )


def test_a_time_that_cannot_be_read_is_refused_with_examples(shell: Shell, office: Office) -> None:
    for time in ("yesterday", "1000000d"):
        line = shell.fails(2, "dead-letters", "list", "--failed-after", time)
        assert (
            f"'{time}' is no time; write 2026-01-31T12:00, or 90s, 15m, 2h, 7d for how long ago; see" in line
        )


def test_a_partition_needs_its_queue(shell: Shell, office: Office) -> None:
    assert "--queue" in shell.fails(2, "dead-letters", "list", "--partition", 1)
    assert "no partition 9" in shell.fails(2, "dead-letters", "list", "--queue", "orders", "--partition", 9)


@pytest.mark.slow
@pytest.mark.backends("sqlite")  # of so many on the servers tell the tests of what is in memory
def test_ten_thousand_letters_are_listed_and_given_up(shell: Shell, office: Office) -> None:
    office.put(*[b"x"] * 10)
    number = office.put_many(10)

    listed = shell("dead-letters", "list", "--limit", 20_000, "--json")
    assert len({letter["id"] for letter in listed.json}) == number
    # A table of every thousand, each with its heading.
    assert len(shell("dead-letters", "list", "--limit", 20_000).lines) == number + 11
    assert shell("dead-letters", "discard", "--all", "--yes").lines[-1] == f"{number} letters discarded"
    assert shell("dead-letters", "cleanup", "--yes", "--json").json == {"deleted": number}
    assert office.states() == {}


def test_the_reader_may_leave_before_the_end(shell: Shell, office: Office) -> None:
    office.put(*[b"x"] * 10)
    office.put_many(7)
    listing = [*COMMAND, "dead-letters", "list", "--limit", "5000", "--json"]
    process = subprocess.Popen(listing, env=shell.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    first = process.stdout.readline()
    process.stdout.close()

    assert process.wait(20) == 141
    assert process.stderr.read() == b""
    process.stderr.close()
    assert json.loads(first.removeprefix(b"["))["queue"] == "orders"
