"""The pages of dead letters."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from outbox.contrib.web.html import Child, table, tag
from outbox.contrib.web.reading import LETTERS_A_PAGE, Group
from outbox.contrib.web.visit import NotFound, Query, View, Visit, facts, is_number
from outbox.dead_letters.letter import DeadLetter, DeadLetterStatus
from outbox.dead_letters.scope import DeadLetterFilter


def letters_page(visit: Visit, query: Query) -> View:
    """Show dead letters in groups, and the letters one by one."""
    status = status_of(query)
    queue, key = query.get("queue") or None, query.get("key") or None
    groups = visit.reader.groups(status, queue)
    after = int(query["after"]) if is_number(query.get("after", "")) else None
    letters = visit.reader.letters(DeadLetterFilter(status=status, queue=queue, key=key, after_id=after))
    group_rows = [group_row(visit, group, queue, status) for group in groups]
    letter_rows = [
        [
            visit.link(str(one.id), "letters", one.id),
            one.queue,
            one.key,
            f"{one.failed_at:%F %T}",
            one.attempts,
            tag("span", (one.last_error or "")[:160], class_="error"),
        ]
        for one in letters
    ]
    choose = [
        visit.link(str(one), "letters", status=one.value, queue=queue)
        if one is not status
        else tag("strong", str(one))
        for one in DeadLetterStatus
    ]
    columns = ["What failed", "#Letters", "Queues", "First failure", "Last failure", ""]
    body: list[Child] = [
        tag("nav", [[one, " "] for one in choose], aria_label="Status"),
        table(
            f"The newest {status} dead letters by failure", columns, group_rows, empty="None. All is well."
        ),
        table("Dead letters", ["Id", "Queue", "Key", "Failed", "#Attempts", "Error"], letter_rows, empty=""),
    ]
    if len(letters) == LETTERS_A_PAGE:
        more = {"status": status.value, "queue": queue, "key": key, "after": letters[-1].id}
        body.append(tag("p", visit.link("Older letters", "letters", **more)))
    data = {
        "groups": [
            {**asdict(group), "queues": sorted(group.queues), "count": len(group.ids)} for group in groups
        ],
        "letters": [letter_facts(one) for one in letters],
    }
    return View("Dead letters", data, body)


def group_row(visit: Visit, group: Group, queue: str | None, status: DeadLetterStatus) -> list[Child]:
    """Return a group's row, with what may be done about its letters."""
    about = {"group": group.reason, "queue": queue or (min(group.queues) if len(group.queues) == 1 else "")}
    known = visit.reader.handlers
    buttons = [
        visit.button("requeue", "Requeue one", **about, limit=1),
        visit.button("requeue", "Requeue all", **about),
        visit.button("discard", "Discard all", **about),
        visit.button("replay", "Replay", **about) if about["queue"] in known.replay else None,
        visit.button("rehearse", "Rehearse", **about) if about["queue"] in known.rehearse else None,
    ]
    return [
        visit.link(group.reason, "letters", group.example),
        len(group.ids),
        ", ".join(sorted(group.queues)),
        f"{group.first_failed:%F %T}",
        f"{group.last_failed:%F %T}",
        buttons if status is DeadLetterStatus.PENDING else None,
    ]


def letter_page(visit: Visit, query: Query, id_: str) -> View:
    """Show a dead letter; its payload when it is asked for."""
    letter = visit.reader.letter(int(id_)) if is_number(id_) else None
    if letter is None:
        raise NotFound
    payload = visit.reader.shown(letter.payload, letter.queue) if query.get("payload") else None
    hidden = tag("p", visit.link("Show the payload", "letters", letter.id, payload=1))
    body: list[Child] = [
        facts({name: value for name, value in letter_facts(letter).items() if name != "last_error"}),
        tag("h2", "Error"),
        tag("pre", letter.last_error),
        tag("h2", "Payload"),
        tag("pre", payload) if payload is not None else hidden,
        tag("div", visit.button("requeue", id=id_), visit.button("discard", id=id_), class_="actions"),
    ]
    return View(f"Dead letter {id_}", {**letter_facts(letter), "payload": payload}, body)


def letter_facts(letter: DeadLetter) -> dict[str, Any]:
    """Return a letter without its payload and headers, which are shown on request alone."""
    hidden = {"payload", "headers", "claim"}
    return {name: value for name, value in vars(letter).items() if name not in hidden and name[0] != "_"}


def status_of(query: Query) -> DeadLetterStatus:
    """Return the status that is asked for, pending unless it is one."""
    try:
        return DeadLetterStatus(query.get("status", "pending"))
    except ValueError:
        return DeadLetterStatus.PENDING
