"""What the page shows and does, without a browser."""

from __future__ import annotations

import logging

import pytest
from flask import Flask

from outbox import DeadLetterFilter, Outbox
from outbox.contrib.web import ACT, READ, OutboxPage, blueprint
from tests.acceptance.bench import Bench
from tests.contrib.web.client import links
from tests.contrib.web.conftest import Visit

pytestmark = pytest.mark.backends("sqlite")
PAGES = ("/", "/queues/orders", "/queues/orders/0", "/letters", "/workers", "/log")


def test_every_page_is_html_and_the_same_as_json(visit: Visit) -> None:
    visitor = visit()
    for path in PAGES:
        page = visitor.get(path)
        assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8"), path
        assert "<h1>" in page.text
        assert visitor.get(f"{path.rstrip('/') or '/index'}.json").json
    (queue,) = visitor.get("/index.json").json["queues"]
    assert (queue["queue"], queue["backlog"], queue["dead_letters"]) == ("orders", 1, 3)


def test_dead_letters_come_in_groups_and_one_by_one(visit: Visit) -> None:
    shown = visit().get("/letters.json").json
    (group,) = shown["groups"]
    assert (group["reason"], group["count"], group["queues"]) == ("KeyError", 3, ["orders"])
    assert len(shown["letters"]) == 3
    assert "payload" not in shown["letters"][0]


def test_a_payload_is_hidden_until_it_is_asked_for_and_then_redacted(visit: Visit) -> None:
    visitor = visit(redact=lambda payload, queue: payload.replace(b"alert", b"*****"))
    (group,) = visitor.get("/letters.json").json["groups"]
    path = f"/letters/{group['example']}"
    assert "*****" not in visitor.get(path).text
    assert "script" not in visitor.get(path).text.partition("<h2>Payload")[2]
    assert "*****" in visitor.get(f"{path}?payload=1").text


def test_letters_are_requeued_after_a_question_and_the_action_is_logged(
    visit: Visit, troubled: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = visit(user=lambda environ: "anna@example.com")
    asked = visitor.post("/act/requeue", {"group": "KeyError"})
    assert "Send 3 dead letters through again, as new messages?" in asked.text
    assert troubled.dead_letters.count() == 3
    with caplog.at_level(logging.WARNING, "outbox.web"):
        done = visitor.act("requeue", group="KeyError", limit=1)
    assert "1 dead letters were sent through again" in done.text
    assert troubled.dead_letters.count() == 2
    (record,) = [one for one in caplog.records if getattr(one, "event", "") == "outbox.page_action"]
    assert (getattr(record, "user", ""), getattr(record, "action", "")) == ("anna@example.com", "requeue")
    (logged,) = visitor.get("/log.json").json["actions"]
    assert (logged["user"], logged["action"]) == ("anna@example.com", "requeue")


def test_letters_are_discarded_and_what_is_gone_is_said(visit: Visit, troubled: Outbox) -> None:
    visitor = visit()
    assert visitor.act("discard", group="KeyError").status == 200
    assert troubled.dead_letters.count(DeadLetterFilter()) == 0
    again = visitor.act("discard", group="KeyError")
    assert (again.status, "of this group any more" in again.text) == (409, True)


def test_letters_are_replayed_by_the_handler_that_the_page_was_given(visit: Visit, troubled: Outbox) -> None:
    seen: list[object] = []
    visitor = visit(replay={"orders": lambda msg: seen.append(msg.json())})
    assert "Replay" in visitor.get("/letters").text
    done = visitor.act("replay", group="KeyError", queue="orders", limit=2)
    assert "replayed: 2 resolved" in done.text
    assert seen == ["a", "b"]
    assert troubled.dead_letters.count() == 1
    assert "Replay" not in visit().get("/letters").text


def test_an_action_answers_in_json_who_asks_for_it(visit: Visit) -> None:
    visitor = visit()
    asked = visitor.post("/act/requeue", {"group": "KeyError"}, HTTP_ACCEPT="application/json")
    assert (asked.status, asked.json["confirm"]) == (202, "yes")
    form = {"group": "KeyError", "confirm": "yes"}
    done = visitor.post("/act/requeue", form, HTTP_ACCEPT="application/json")
    assert done.json == {"outcome": "3 dead letters were sent through again, as new messages"}


def test_the_messages_of_a_key_are_found_in_their_partition(
    visit: Visit, troubled: Outbox, bench: Bench
) -> None:
    visitor = visit()
    assert visitor.get("/queues/orders.json?key=Anna").json["messages"] == []
    with bench.producer.transaction() as conn:
        for key in ("Anna", "Bert", "Anna"):
            bench.producer.enqueue(conn, "orders", "x", key=key)
    bench.by_hand(lambda queue: queue.leased(print)).sequence()
    found = visitor.get("/queues/orders.json?key=Anna").json["messages"]
    assert [one["key"] for one in found] == ["Anna", "Anna"]
    assert visitor.get("/queues/orders?key=Anna").text.count("<td>Anna</td>") == 2


def test_a_queue_and_a_partition_are_paused_with_a_reason_and_go_on(visit: Visit, troubled: Outbox) -> None:
    visitor = visit()
    asked = visitor.post("/act/pause", {"queue": "orders", "partition": "1"})
    assert 'name="reason"' in asked.text
    visitor.act("pause", queue="orders", partition=1, reason="the bank is away")
    visitor.act("pause", queue="orders")
    assert {(one.partition, one.reason) for one in troubled.pauses()} == {
        (1, "the bank is away"),
        (None, None),
    }
    shown = visitor.get("/queues/orders").text
    assert "partition 1 of queue orders is paused: the bank is away" in shown
    assert "Resume the queue" in shown
    visitor.act("resume", queue="orders")
    visitor.act("resume", queue="orders", partition=1)
    assert troubled.pauses() == []
    assert visitor.get("/queues/orders.json").json["pauses"] == []


def test_a_key_is_parked_shown_and_released(visit: Visit, troubled: Outbox) -> None:
    visitor = visit()
    visitor.act("park", queue="orders", key="Anna")
    (parked,) = visitor.get("/queues/orders.json").json["parked"]
    assert parked["key"] == "Anna"
    assert "Parked keys" in visitor.get("/queues/orders").text
    assert "are released, in order" in visitor.act("release", queue="orders", key="Anna").text
    assert troubled.parked.list() == []


def test_links_stay_below_the_prefix(visit: Visit) -> None:
    visitor = visit(prefix="/intern/outbox")
    for path in PAGES:
        page = visitor.get(path)
        assert page.status == 200
        assert all(link.startswith("/intern/outbox/") for link in links(page)), path
    assert "Path=/intern/outbox;" in visit(prefix="/intern/outbox").get("/").headers["Set-Cookie"]


def test_it_is_a_blueprint_in_flask_whose_access_sees_the_session(
    bench: Bench, request: pytest.FixtureRequest
) -> None:
    from flask import session

    app = Flask("shop")
    app.secret_key = "secret"
    page_of_ours = OutboxPage(bench.producer, access=lambda _: ACT if session.get("admin") else READ)
    request.addfinalizer(page_of_ours.close)
    app.register_blueprint(blueprint(page_of_ours), url_prefix="/outbox")
    client = app.test_client()
    page = client.get("/outbox/")
    assert (page.status_code, b"You may look and not act." in page.data) == (200, True)
    assert client.get("/outbox/queues/orders").status_code == 200
    assert client.get("/outbox/static/page.css").mimetype == "text/css"
    with client.session_transaction() as stored:
        stored["admin"] = True
    page = client.get("/outbox/queues/orders")
    assert b"You may act here." in page.data
    assert b'href="/outbox/letters"' in page.data
