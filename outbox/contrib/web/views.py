"""The pages of queues and workers: each is data, and HTML made of the same data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from outbox.contrib.web.actions import ACTIONS
from outbox.contrib.web.history import chart
from outbox.contrib.web.html import Child, Html, table, tag
from outbox.contrib.web.reading import by_queue
from outbox.contrib.web.visit import NotFound, Query, View, Visit, age, facts
from outbox.dead_letters.letter import DeadLetterStatus
from outbox.facade.gauges import PartitionGauges


def overview(visit: Visit, _query: Query) -> View:
    """Show all queues with their last hour."""
    data: list[dict[str, Any]] = []
    rows: list[list[Child]] = []
    charts: list[Child] = []
    for queue, parts in by_queue(visit.reader.partitions()).items():
        points = visit.history.of(queue)
        facts: dict[str, Any] = {
            "queue": queue,
            "partitions": len(parts),
            "backlog": sum(row.incoming + row.backlog for row in parts),
            "delayed": sum(row.delayed for row in parts),
            "parked": sum(row.parked for row in parts),
            "oldest_age": max((row.oldest_age or 0.0 for row in parts), default=0.0),
            "rate": visit.history.rate(queue),
            "failing": sum(row.is_failing for row in parts),
            "unattended": sum(row.partition_id in visit.history.unattended for row in parts),
            "paused": sum(row.paused for row in parts),
            "dead_letters": sum(row.dead_letters.get(DeadLetterStatus.PENDING, 0) for row in parts),
        }
        data.append({**facts, "history": [asdict(point) for point in points]})
        rate = "-" if facts["rate"] is None else f"{facts['rate']:.1f}/s"
        numbers = [facts[name] for name in ("backlog", "delayed", "parked")]
        trouble = [facts[name] for name in ("failing", "unattended", "paused")]
        letters = visit.link(str(facts["dead_letters"]), "letters", queue=queue)
        rows.append(
            [visit.link(queue, "queues", queue), *numbers, age(facts["oldest_age"]), rate, *trouble, letters]
        )
        ages = chart("Age of the oldest", [point.age for point in points], " s")
        backlogs = chart("Backlog", [float(point.backlog) for point in points])
        charts.append(tag("section", tag("h2", queue), tag("div", backlogs, ages, class_="charts")))
    columns = ["Queue", "#Backlog", "#Delayed", "#Parked", "#Oldest", "#Rate", "#Failing", "#Unattended"]
    columns += ["#Paused", "#Dead letters"]
    body = [table("Queues", columns, rows, empty="No queue is registered yet."), charts]
    return View("Overview", {"queues": data}, body)


def queue_page(visit: Visit, query: Query, name: str) -> View:
    """Show the partitions of a queue and their heads, and the messages of a key."""
    parts = by_queue(visit.reader.partitions()).get(name)
    if not parts:
        raise NotFound
    rows = [partition_row(visit, row) for row in parts]
    columns = ["Partition", "State", "#Backlog", "#Oldest", "#Next seq", "#Attempts", "Held by", "Error", ""]
    search = tag(
        "form",
        tag("label", "Messages of key ", tag("input", name="key", value=query.get("key", ""), required=True)),
        tag("button", "Show", type="submit"),
        method="get",
        action=visit.path("queues", name),
    )
    whole = [
        visit.button(verb, f"{ACTIONS[verb].title} the queue", queue=name) for verb in ("pause", "resume")
    ]
    data: dict[str, Any] = {"queue": name, "partitions": [facts_of(row) for row in parts]}
    body: list[Child] = [
        tag("div", whole, class_="actions"),
        table(f"Partitions of {name}", columns, rows, empty=""),
        search,
    ]
    if key := query.get("key"):
        part = visit.reader.partition_of(parts, key)
        found = visit.reader.messages(part, key)
        data["messages"] = found
        body += [messages_table(visit, part, found, f"The next messages of key {key}")]
        body += [visit.button("park", queue=name, key=key), visit.button("release", queue=name, key=key)]
    return View(f"Queue {name}", data, body)


def partition_row(visit: Visit, row: PartitionGauges) -> list[Child]:
    """Return a partition's row, with what may be done about its head."""
    head = row.processed_seq + 1
    skip = (
        visit.button(
            "skip", queue=row.queue, partition=row.partition, partition_id=row.partition_id, seq=head
        )
        if row.backlog
        else None
    )
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
        skip,
    ]


def partition_page(visit: Visit, _query: Query, name: str, index: str) -> View:
    """Show the next messages of a partition."""
    row = find(visit, name, index)
    found = visit.reader.messages(row)
    body = messages_table(visit, row, found[:100], f"The next messages of {name}, partition {index}")
    error = tag("pre", row.last_error) if row.last_error else None
    return View(f"Queue {name}, partition {index}", {**facts_of(row), "messages": found[:100]}, [error, body])


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


def workers_page(visit: Visit, _query: Query) -> View:
    """Show who holds leases."""
    held = [row for row in visit.reader.partitions() if row.is_leased]
    rows = [
        [row.locked_by, visit.link(row.queue, "queues", row.queue), row.partition, age(row.locked_for or 0.0)]
        for row in sorted(held, key=lambda row: row.locked_by or "")
    ]
    columns = ["Worker (host:process:thread:lease)", "Queue", "#Partition", "#Lease ends in"]
    body = table("Leases", columns, rows, empty="No worker holds a lease at this moment.")
    note = tag("p", "Transactional handlers hold a row lock and no lease, so they do not show here.")
    return View("Workers", {"leases": [facts_of(row) for row in held]}, [body, note])


def log_page(visit: Visit, _query: Query) -> View:
    """Show what was done on this page."""
    rows = [[one["at"], one["user"], one["action"], one["about"], one["outcome"]] for one in visit.log]
    body = table(
        "Actions of this process", ["When", "Who", "What", "About", "Outcome"], rows, empty="None yet."
    )
    return View("Action log", {"actions": visit.log}, body)


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


def facts_of(row: PartitionGauges) -> dict[str, Any]:
    """Return a partition as JSON has it."""
    letters = {status.value: count for status, count in row.dead_letters.items()}
    return {**asdict(row), "dead_letters": letters, "state": row.state}
