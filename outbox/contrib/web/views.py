"""The pages of everything at once: each is data, and HTML made of the same data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from outbox.contrib.web.history import chart
from outbox.contrib.web.html import Child, table, tag
from outbox.contrib.web.reading import by_queue, partition_facts
from outbox.contrib.web.visit import Query, View, Visit, age
from outbox.dead_letters.letter import DeadLetterStatus


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
    return View("Workers", {"leases": [partition_facts(row) for row in held]}, [body, note])


def log_page(visit: Visit, _query: Query) -> View:
    """Show what was done on this page."""
    rows = [[one["at"], one["user"], one["action"], one["about"], one["outcome"]] for one in visit.log]
    body = table(
        "Actions of this process", ["When", "Who", "What", "About", "Outcome"], rows, empty="None yet."
    )
    return View("Action log", {"actions": visit.log}, body)
