"""A web shop in Flask that takes an order and lets it be shipped in the background.

    python examples/flask_app.py                    # then, from another terminal:
    curl --json '{"customer": "Anna", "item": "teapot"}' localhost:5000/orders
    curl localhost:5000/orders

Needs Flask (`pip install flask`). The request writes the order and its message in one transaction;
worker threads of the same process ship it afterwards. Workers may as well run in a process of their own:
they find the messages in the database.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from pathlib import Path

import sqlalchemy as sa
from flask import Flask, Response, jsonify, request

import outbox
from outbox import Outbox, OutboxBuilder, OutboxMessage, Partitions, Reject

metadata = sa.MetaData()
orders = sa.Table(
    "orders",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("customer", sa.String(100), nullable=False),
    sa.Column("item", sa.String(100), nullable=False),
    sa.Column("state", sa.String(20), nullable=False, server_default="new"),
)


def builder(engine: sa.Engine) -> OutboxBuilder:
    """Declare the queue; the web and the workers use the same declaration."""

    def ship(message: OutboxMessage) -> Reject | None:
        order = message.json()
        if not order["item"]:
            return Reject("nothing to ship")
        # Delivered a second time, this changes nothing: that is all that "at least once" asks for.
        with engine.begin() as conn:
            conn.execute(sa.update(orders).where(orders.c.id == order["id"]).values(state="shipped"))
        return None

    return Outbox.builder(engine).queue("orders", Partitions.of(4)).leased(ship, max_attempts=10)


def create_app(engine: sa.Engine, box: Outbox) -> Flask:
    app = Flask(__name__)

    @app.post("/orders")
    def take_order() -> tuple[Response, int]:
        wanted = request.get_json()
        if not isinstance(wanted, dict) or not {"customer", "item"} <= wanted.keys():
            return jsonify(error="give a customer and an item"), 400
        with engine.begin() as conn:
            row = sa.insert(orders).values(customer=wanted["customer"], item=wanted["item"])
            (order_id,) = conn.execute(row).inserted_primary_key or (None,)
            box.enqueue(conn, "orders", {"id": order_id, "item": wanted["item"]}, key=wanted["customer"])
        # SQLAlchemy told the outbox of the commit; the workers are on their way.
        return jsonify(id=order_id), 202

    @app.get("/orders")
    def list_orders() -> Response:
        with engine.connect() as conn:
            rows = conn.execute(sa.select(orders).order_by(orders.c.id)).mappings()
            return jsonify([dict(row) for row in rows])

    return app


def connect(url: str) -> sa.Engine:
    """Return an engine over migrated tables."""
    # Each worker thread needs a connection now and then; the default of five is few.
    engine = sa.create_engine(url, pool_size=15)
    outbox.migrate(engine)
    metadata.create_all(engine)
    return engine


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", help="SQLAlchemy URL of the database (default: a fresh SQLite file)")
    parser.add_argument("--port", type=int, default=5000)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(options.url or f"sqlite:///{Path(folder) / 'shop.db'}")
        # The reloader would start the program twice, and with it the workers.
        with builder(engine).start() as handle:
            create_app(engine, handle.outbox).run(port=options.port, use_reloader=False)
        engine.dispose()


if __name__ == "__main__":
    main()
