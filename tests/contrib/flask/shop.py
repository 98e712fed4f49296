"""A shop as an application factory, with the outbox's engine used while it is imported."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from outbox import Outbox, OutboxBuilder, OutboxMessage
from outbox.contrib.flask import FlaskOutbox


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)
ext = FlaskOutbox()


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(String(40))
    shipped: Mapped[int] = mapped_column(default=0)


class Audit(Base):
    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int]


def ship(msg: OutboxMessage) -> None:
    order = db.session.get(Order, msg.json()["id"])
    assert order is not None
    order.shipped = order.shipped + 1
    db.session.commit()


@ext.transactional
def audit(session: Any, msg: OutboxMessage) -> None:
    session.add(Audit(order_id=msg.json()["id"]))


def builder(engine: Engine) -> OutboxBuilder:
    return Outbox.builder(engine).queue("orders", 4).leased(ship).queue("audit", 2).transactional(audit)


def create_app(url: str, *, start: bool = False) -> Flask:
    app = Flask(__name__)
    app.config.update(SQLALCHEMY_DATABASE_URI=url, OUTBOX_START=start)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {} if url.startswith("sqlite") else {"pool_size": 15}
    db.init_app(app)
    ext.init_app(app, db, builder=builder)

    @app.post("/orders")
    def take_order() -> dict[str, int]:
        order = Order(item=request.get_json()["item"])
        db.session.add(order)
        db.session.flush()
        ext.enqueue("orders", {"id": order.id}, key=order.item)
        ext.enqueue("audit", {"id": order.id})
        if order.item == "refused":
            db.session.rollback()
            return {"id": 0}
        db.session.commit()
        return {"id": order.id}

    @app.get("/pid")
    def pid() -> dict[str, int]:
        return {"pid": os.getpid()}

    return app


def prepare(app: Flask) -> None:
    """Make the tables."""
    with app.app_context():
        db.create_all()
    warm_up(app)


def warm_up(app: Flask) -> None:
    """Leave connections in the pool, as a program does that migrates when it is imported."""
    ext.migrate(app)
    with app.app_context():
        db.session.execute(text("SELECT 1"))
        db.session.remove()
        ext.box.status()


if "SHOP_URL" in os.environ:
    app = create_app(os.environ["SHOP_URL"], start=True)
    warm_up(app)
