"""Spans, links, context and metrics, seen by the in-memory exporter, the SQL instrumentations switched on too."""

from __future__ import annotations

import asyncio
import configparser
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import psycopg
import pytest
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from outbox import EnqueueMessage, HandlerResult, Outbox, OutboxMessage, Reject, WrongDatabase
from outbox.contrib.opentelemetry import OutboxInstrumentor
from outbox.testing import drain
from tests.support import Database


class Telemetry:
    """What was exported."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.spans = TracerProvider()
        self.spans.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def metrics(self) -> dict[str, list[tuple[dict[str, Any], Any]]]:
        data: Any = self.reader.get_metrics_data()
        return {
            metric.name: [(dict(point.attributes), point) for point in metric.data.data_points]
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    telemetry = Telemetry()
    others: list[Any] = [SQLite3Instrumentor(), PsycopgInstrumentor(), SQLAlchemyInstrumentor()]
    for other in others:
        other.instrument(tracer_provider=telemetry.spans, skip_dep_check=True)
    OutboxInstrumentor().instrument(tracer_provider=telemetry.spans, meter_provider=telemetry.meters)
    yield telemetry
    OutboxInstrumentor().uninstrument()
    for other in others:
        other.uninstrument()


def looking(conn: Any, msg: OutboxMessage) -> HandlerResult:
    # A database of the handler's own.
    with closing(sqlite3.connect(":memory:")) as other:
        other.cursor().execute("SELECT 42")
    if msg.json() == "bad":
        return Reject("no address")
    if msg.json() == "broken" and msg.attempts == 0:
        raise KeyError("lines")
    return None


def run(url: str, *payloads: object) -> None:
    builder = Outbox.builder(url).queue("orders", 1).transactional(looking)
    with builder.open() as box:
        for payload in payloads:
            box.enqueue_now("orders", payload)
        drain(box)


@pytest.mark.backends("sqlite", "postgresql")
def test_a_message_is_enqueued_and_processed_in_spans_with_a_link(
    migrated: Database, telemetry: Telemetry
) -> None:
    with telemetry.spans.get_tracer("shop").start_as_current_span("checkout") as checkout:
        run(migrated.url, "a")
    (enqueue,) = telemetry.named("enqueue orders")
    (process,) = telemetry.named("process orders")
    assert (enqueue.kind, process.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert enqueue.parent == checkout.get_span_context()
    (link,) = process.links
    assert (link.context.trace_id, link.context.span_id) == (
        enqueue.context.trace_id,
        enqueue.context.span_id,
    )
    assert dict(process.attributes or {}) == {
        "messaging.system": "outbox",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "orders",
        "messaging.destination.partition.id": "0",
        "messaging.message.id": (process.attributes or {})["messaging.message.id"],
        "messaging.message.body.size": 3,
        "outbox.message.attempts": 0,
    }
    # What the handler asks the database is seen inside of its span.
    inside = [span for span in telemetry.exporter.get_finished_spans() if span.parent == process.context]
    assert any("SELECT 42" in str((span.attributes or {}).get("db.statement")) for span in inside)


@pytest.mark.backends("sqlite")
def test_the_four_metrics_count_what_is_committed(migrated: Database, telemetry: Telemetry) -> None:
    with (
        Outbox.builder(migrated.url).queue("orders", 1).enqueue_only().open() as box,
        suppress(ZeroDivisionError),
        box.transaction() as conn,
    ):
        box.enqueue(conn, "orders", "rolled back")
        raise ZeroDivisionError
    run(migrated.url, "a", "b")
    metrics = telemetry.metrics()
    sent = {
        "messaging.system": "outbox",
        "messaging.operation.name": "enqueue",
        "messaging.operation.type": "send",
        "messaging.destination.name": "orders",
    }
    consumed = {**sent, "messaging.operation.name": "process", "messaging.operation.type": "process"}
    assert [(labels, point.value) for labels, point in metrics["messaging.client.sent.messages"]] == [
        (sent, 2)
    ]
    assert [(labels, point.value) for labels, point in metrics["messaging.client.consumed.messages"]] == [
        (consumed, 2)
    ]
    assert [(labels, point.count) for labels, point in metrics["messaging.client.operation.duration"]] == [
        (sent, 3)
    ]
    assert [(labels, point.count) for labels, point in metrics["messaging.process.duration"]] == [
        (consumed, 2)
    ]


@pytest.mark.backends("sqlite")
def test_failures_have_their_type(migrated: Database, telemetry: Telemetry) -> None:
    run(migrated.url, "bad", "broken")
    bad, broken, *_ = telemetry.named("process orders")
    assert [(span.attributes or {}).get("error.type") for span in (bad, broken)] == ["reject", "KeyError"]
    assert {span.status.status_code for span in (bad, broken)} == {StatusCode.ERROR}
    assert bad.status.description == "no address"
    assert [event.name for event in broken.events] == ["exception"]


@pytest.mark.backends("sqlite")
def test_a_batch_is_one_span_with_a_link_for_each_message(migrated: Database, telemetry: Telemetry) -> None:
    builder = Outbox.builder(migrated.url).queue("orders", 1).leased_batch(lambda batch: None)
    with builder.open() as box:
        with box.transaction() as conn:
            box.enqueue_batch(conn, "orders", [EnqueueMessage("a"), EnqueueMessage("b")])
        drain(box)
    (enqueue,) = telemetry.named("enqueue orders")
    (process,) = telemetry.named("process orders")
    assert (enqueue.attributes or {})["messaging.batch.message_count"] == 2
    assert (process.attributes or {})["messaging.batch.message_count"] == 2
    assert [link.context.span_id for link in process.links] == [enqueue.context.span_id] * 2


@pytest.mark.backends("postgresql")
def test_an_asynchronous_enqueue_is_a_span_too(migrated: Database, telemetry: Telemetry) -> None:
    async def send(box: Outbox) -> None:
        async with await psycopg.AsyncConnection.connect(migrated.url) as conn:
            await box.aenqueue(conn, "orders", "a")

    with Outbox.builder(migrated.url).queue("orders", 1).enqueue_only().open() as box:
        asyncio.run(send(box))
    (span,) = telemetry.named("enqueue orders")
    assert (span.attributes or {})["messaging.destination.name"] == "orders"


@pytest.mark.backends("sqlite")
def test_with_parent_a_message_is_processed_in_the_trace_of_its_enqueue(migrated: Database) -> None:
    telemetry = Telemetry()
    instrumentor = OutboxInstrumentor()
    instrumentor.instrument(parent=True, tracer_provider=telemetry.spans)
    try:
        run(migrated.url, "a")
    finally:
        instrumentor.uninstrument()
    (enqueue,), (process,) = telemetry.named("enqueue orders"), telemetry.named("process orders")
    assert process.parent is not None
    assert process.parent.span_id == enqueue.context.span_id


@pytest.mark.backends("sqlite")
def test_an_enqueue_that_is_refused_is_a_failed_span(migrated: Database, telemetry: Telemetry) -> None:
    with Outbox.builder(migrated.url).queue("orders", 1).enqueue_only().open() as box:
        with sqlite3.connect(":memory:") as wrong, pytest.raises(WrongDatabase):
            box.enqueue(wrong, "orders", "a")
        wrong.close()
    (span,) = telemetry.named("enqueue orders")
    assert (span.attributes or {})["error.type"] == "WrongDatabase"


def test_automatic_instrumentation_finds_it_by_the_entry_point() -> None:
    config = configparser.ConfigParser()
    config.read(Path(__file__).parents[3] / "setup.cfg")
    name, _, value = config["options.entry_points"]["opentelemetry_instrumentor"].strip().partition(" = ")
    found = EntryPoint(name, value, "opentelemetry_instrumentor").load()
    assert (name, found) == ("outbox", OutboxInstrumentor)
    # What the automatic instrumentation calls, without an argument of ours.
    assert found().instrumentation_dependencies() == ()
    found().instrument(skip_dep_check=True)
    assert found().is_instrumented_by_opentelemetry
    found().uninstrument()
