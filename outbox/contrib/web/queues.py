"""The pages of a queue: its partitions and their heads, its keys, its messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from outbox.contrib.web.html import Child, Html, table, tag
from outbox.contrib.web.reading import by_queue, partition_facts
from outbox.contrib.web.visit import NotFound, Query, View, Visit, age, facts
from outbox.facade.gauges import PartitionGauges
from outbox.queues.parked import ParkedKeyStatus
from outbox.queues.pause import Pause


def queue_page(visit: Visit, query: Query, name: str) -> View:
    """Show the partitions of a queue, what is paused and parked, and the messages of a key."""
    parts = by_queue(visit.reader.partitions()).get(name)
    if not parts:
        raise NotFound
    pauses, parked = visit.reader.pauses(name), visit.reader.parked(name)
    data: dict[str, Any] = {
        "queue": name,
        "partitions": [partition_facts(row) for row in parts],
        "pauses": [asdict(pause) for pause in pauses],
        "parked": [asdict(key) for key in parked],
    }
    own = {pause.partition for pause in pauses if pause.partition is not None}
    rows = [partition_row(visit, row, paused=row.partition in own) for row in parts]
    columns = ["Partition", "State", "#Backlog", "#Oldest", "#Next seq", "#Attempts", "Held by", "Error", ""]
    body: list[Child] = [
        paused(visit, name, pauses),
        table(f"Partitions of {name}", columns, rows, empty=""),
        parked_keys(visit, parked),
        key_search(visit, name, query.get("key", "")),
    ]
    if key := query.get("key"):
        part = visit.reader.partition_of(parts, key)
        data["messages"] = found = visit.reader.messages(part, key)
        body += [messages_table(visit, part, found, f"The next messages of key {key}")]
        body += [visit.button(verb, queue=name, key=key) for verb in ("park", "release")]
    return View(f"Queue {name}", data, body)


def paused(visit: Visit, name: str, pauses: Sequence[Pause]) -> Html:
    """Return what is paused, in words, and the buttons for the whole queue."""
    whole = any(pause.partition is None and not pause.is_hold for pause in pauses)
    button = visit.button(verb := "resume" if whole else "pause", f"{verb.title()} the queue", queue=name)
    said = [tag("p", str(pause), class_="outcome") for pause in pauses]
    return tag("div", said, button, class_="actions")


def parked_keys(visit: Visit, parked: Sequence[ParkedKeyStatus]) -> Html | None:
    """Return the keys that wait apart."""
    rows: list[list[Child]] = [
        [
            visit.link(one.key, "queues", one.queue, key=one.key),
            one.partition,
            one.messages,
            f"{one.parked_at:%F %T}",
            tag("span", (one.last_error or "")[:200], class_="error"),
            visit.button("release", queue=one.queue, key=one.key),
        ]
        for one in parked
    ]
    columns = ["Key", "#Partition", "#Messages", "Parked (UTC)", "Error", ""]
    return table("Parked keys", columns, rows, empty="") if rows else None


def key_search(visit: Visit, name: str, key: str) -> Html:
    """Return the form that asks for a key."""
    return tag(
        "form",
        tag("label", "Messages of key ", tag("input", name="key", value=key, required=True)),
        tag("button", "Show", type="submit"),
        method="get",
        action=visit.path("queues", name),
    )


def partition_row(visit: Visit, row: PartitionGauges, *, paused: bool) -> list[Child]:
    """Return a partition's row, with what may be done about it and its head."""
    head = row.processed_seq + 1
    skip = (
        visit.button(
            "skip", queue=row.queue, partition=row.partition, partition_id=row.partition_id, seq=head
        )
        if row.backlog
        else None
    )
    verb = "resume" if paused else "pause"
    state = "unattended" if row.partition_id in visit.history.unattended else row.state
    return [
        visit.link(str(row.partition), "queues", row.queue, row.partition),
        state,
        row.incoming + row.backlog,
        age(row.oldest_age or 0.0),
        head,
        row.attempts,
        row.locked_by,
        tag("span", (row.last_error or "")[:200], class_="error"),
        [visit.button(verb, queue=row.queue, partition=row.partition), skip],
    ]


def partition_page(visit: Visit, _query: Query, name: str, index: str) -> View:
    """Show the next messages of a partition."""
    row = find(visit, name, index)
    found = visit.reader.messages(row)
    body = messages_table(visit, row, found[:100], f"The next messages of {name}, partition {index}")
    error = tag("pre", row.last_error) if row.last_error else None
    return View(
        f"Queue {name}, partition {index}", {**partition_facts(row), "messages": found[:100]}, [error, body]
    )


def message_page(visit: Visit, query: Query, name: str, index: str, seq: str) -> View:
    """Show a message; its payload when it is asked for."""
    row = find(visit, name, index)
    found = [one for one in visit.reader.messages(row) if str(one["seq"]) == seq]
    if not found:
        raise NotFound
    payload = visit.reader.payload(row, int(seq)) if query.get("payload") else None
    show = visit.link("Show the payload", "queues", name, index, seq, payload=1)
    body: list[Child] = [facts(found[0]), tag("pre", payload) if payload is not None else tag("p", show)]
    return View(f"Message {seq} of {name}, partition {index}", {**found[0], "payload": payload}, body)


def find(visit: Visit, queue: str, index: str) -> PartitionGauges:
    """Return a partition, or raise `NotFound`."""
    for row in visit.reader.partitions():
        if row.queue == queue and str(row.partition) == index:
            return row
    raise NotFound


def messages_table(visit: Visit, row: PartitionGauges, messages: list[dict[str, Any]], caption: str) -> Html:
    """Return messages without their payloads."""
    rows = [
        [
            visit.link(str(one["seq"]), "queues", row.queue, row.partition, one["seq"]),
            one["id"],
            one["key"],
            one["payload_type"],
            one["bytes"],
            f"{one['created_at']:%F %T}",
        ]
        for one in messages
    ]
    columns = ["Seq", "#Id", "Key", "Type", "#Bytes", "Enqueued (UTC)"]
    return table(caption, columns, rows, empty="No numbered message waits here.")
