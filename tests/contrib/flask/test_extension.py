from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import Result
from flask import Flask, current_app

from outbox import ConfigurationError, OutboxMessage, Reject
from outbox.contrib.flask import FlaskOutbox
from outbox.contrib.flask.extension import state_of
from outbox.testing import capture, drain
from tests.contrib.flask.shop import Audit, Order, create_app, db, ext, prepare
from tests.support import Database, Spawn, eventually


@pytest.fixture
def app(database: Database) -> Iterator[Flask]:
    app = create_app(database.sqlalchemy_url)
    prepare(app)
    yield app
    dispose(app)


def dispose(app: Flask) -> None:
    state_of(app).close()
    with app.app_context():
        db.engine.dispose()


def post(app: Flask, item: str) -> int:
    return int(app.test_client().post("/orders", json={"item": item}).get_json()["id"])


def rows(app: Flask, kind: Any, column: str) -> list[Any]:
    with app.app_context():
        return [getattr(row, column) for row in db.session.query(kind).order_by(kind.id)]


def test_what_a_request_commits_is_delivered_inside_the_application_context(app: Flask) -> None:
    assert post(app, "teapot") > 0
    assert post(app, "refused") == 0
    with app.app_context():
        counts = drain(ext.box, errors="raise")
    assert counts.processed == 2
    assert rows(app, Order, "shipped") == [1]
    assert len(rows(app, Audit, "order_id")) == 1


def test_the_session_is_removed_after_each_handler(app: Flask) -> None:
    sessions, contexts = [], []

    def ship(msg: OutboxMessage) -> None:
        sessions.append(db.session())
        contexts.append(current_app.name)
        db.session.query(Order).all()
        if msg.json() == 2:
            raise ValueError("no")

    with app.app_context():
        builder = state_of(app).builder().queue("mine", 1).leased(ship, max_attempts=1)
        with builder.open() as box:
            for number in (1, 2, 3):
                box.enqueue_now("mine", number)
            drain(box)
    assert contexts == [app.name] * 3
    assert len({id(session) for session in sessions}) == 3
    assert not any(session.in_transaction() for session in sessions)


def test_what_a_transactional_handler_writes_goes_with_the_acknowledgement(app: Flask) -> None:
    outcomes: dict[int, Exception] = {2: ValueError("no"), 3: Reject("never")}

    @ext.transactional
    def audit(session: Any, msg: OutboxMessage) -> None:
        assert session is db.session()
        session.add(Audit(order_id=msg.json()))
        if msg.json() == 4:
            db.session.commit()
        if msg.json() in outcomes:
            db.session.flush()
            raise outcomes[msg.json()]

    with app.app_context():
        builder = state_of(app).builder().queue("mine", 1).transactional(audit, max_attempts=1)
        with builder.open() as box:
            for number in (1, 2, 3, 4):
                box.enqueue_now("mine", number)
            assert drain(box).dead_lettered == 2
    assert rows(app, Audit, "order_id") == [1, 4]


def test_a_turn_that_is_undone_undoes_what_its_handlers_committed(app: Flask) -> None:
    @ext.transactional
    def audit(session: Any, msg: OutboxMessage) -> None:
        session.add(Audit(order_id=1))
        session.commit()

    with app.app_context(), state_of(app).builder().queue("mine", 1).transactional(audit).open() as box:
        session = db.session
        box.enqueue(session, "mine", 1)
        assert drain(box, conn=session).processed == 1
        session.rollback()
    assert rows(app, Audit, "order_id") == []


def test_requests_are_tested_in_a_transaction_that_is_rolled_back(app: Flask) -> None:
    with app.app_context():
        with capture(ext.box) as sent:
            order = Order(item="teapot")
            db.session.add(order)
            db.session.flush()
            ext.enqueue("orders", {"id": order.id}, key="teapot")
        sent.assert_enqueued("orders", key="teapot", count=1)
        db.session.rollback()


def test_two_applications_in_one_process_have_an_outbox_each(app: Flask, provider: Any) -> None:
    other_database = provider.empty()
    other = create_app(other_database.sqlalchemy_url)
    prepare(other)
    with app.app_context():
        box = ext.box
        assert ext.box is box
    with other.app_context():
        assert ext.box is not box
    post(app, "teapot")
    post(other, "mug")
    post(other, "spoon")
    for each, count in ((app, 1), (other, 2)):
        with each.app_context():
            assert drain(ext.box).processed == 2 * count
        assert rows(each, Order, "shipped") == [1] * count
    dispose(other)
    provider.drop(other_database)


def test_workers_start_at_the_first_request_and_stop_when_told(database: Database) -> None:
    app = create_app(database.sqlalchemy_url, start=True)
    ext.migrate(app)
    with app.app_context():
        db.create_all()
    post(app, "teapot")
    eventually(lambda: rows(app, Order, "shipped") == [1] and len(rows(app, Audit, "id")) == 1)
    with app.app_context():
        assert ext.start() is ext.start()
    dispose(app)


@pytest.mark.backends("sqlite", "postgresql")
@pytest.mark.mp
def test_a_forked_child_opens_its_own(app: Flask) -> None:
    with app.app_context():
        parents = ext.box
        read, write = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # other threads may be those of the test runner
            child = os.fork()
        if child == 0:
            try:
                db.session.remove()
                order = Order(item="from the child")
                db.session.add(order)
                db.session.flush()
                ext.enqueue("orders", {"id": order.id})
                db.session.commit()
                os.write(write, b"other" if ext.box is not parents else b"same")
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert os.read(read, 10) == b"other"
        assert ext.box is parents
        assert drain(parents).processed == 1
    assert rows(app, Order, "shipped") == [1]


@pytest.mark.backends("sqlite")
def test_what_is_missing_is_told_in_one_sentence(database: Database) -> None:
    app = Flask("shop")
    bare = FlaskOutbox()
    with app.app_context():
        with pytest.raises(ConfigurationError, match=r"call init_app\(app\)"):
            _ = bare.box
        bare.init_app(app)
        with pytest.raises(ConfigurationError, match="OUTBOX_BUILDER"):
            _ = bare.box
        app.config["OUTBOX_BUILDER"] = "tests.contrib.flask.shop:builder"
        with pytest.raises(ConfigurationError, match="OUTBOX_URL"):
            _ = bare.box
        app.config["OUTBOX_URL"] = database.url
        bare.migrate()
        with pytest.raises(ConfigurationError, match="give it to init_app"):
            bare.enqueue("orders", 1)
        bare.box.enqueue_now("audit", {"id": 1})
        [failure] = drain(bare.box).failures
        assert "needs init_app(app, db)" in failure.reason
        app.config["OUTBOX_BUILDER"] = lambda target: None
        with pytest.raises(ConfigurationError, match="it returned a NoneType"):
            bare.migrate()
    state_of(app).close()


@pytest.mark.backends("sqlite")
def test_the_builder_may_be_named_in_the_configuration(database: Database) -> None:
    app = Flask("shop")
    app.config.update(
        SQLALCHEMY_DATABASE_URI=database.sqlalchemy_url, OUTBOX_BUILDER="tests.contrib.flask.shop:builder"
    )
    db.init_app(app)
    named = FlaskOutbox(app, db)
    assert len(named.migrate(app)) == 2
    dispose(app)


def test_the_command_line_works_on_the_applications_database(app: Flask) -> None:
    post(app, "teapot")

    def run(*words: str) -> Result:
        return app.test_cli_runner().invoke(args=["outbox", *words])

    shown = run("--json", "status")
    assert shown.exit_code == 0
    assert sum(row["incoming"] for row in json.loads(shown.stdout)["partitions"]) == 2
    assert run("dead-letters", "list").exit_code == 0
    assert run("nothing").exit_code == 2


@pytest.mark.mp
def test_workers_run_in_a_process_of_their_own(app: Flask, spawn: Spawn, database: Database) -> None:
    post(app, "teapot")
    environment = {"SHOP_URL": database.sqlalchemy_url}
    words = ("-m", "flask", "--app", "tests.contrib.flask.shop", "outbox", "run")
    worker = spawn.command(sys.executable, *words, env=environment)
    worker.wait_for_line("started")
    eventually(lambda: rows(app, Order, "shipped") == [1], 20)
    worker.terminate()
    assert worker.wait() == 0
