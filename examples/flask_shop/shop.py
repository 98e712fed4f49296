"""A shop in Flask: a request writes the order and its message, a worker ships it."""

import os

from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from outbox import Outbox, OutboxBuilder, OutboxMessage
from outbox.contrib.flask import FlaskOutbox


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)
ext = FlaskOutbox()


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str]
    state: Mapped[str] = mapped_column(default="new")


class Letter(Base):
    __tablename__ = "letters"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int]


def ship(msg: OutboxMessage) -> None:
    """At least once: a second delivery changes nothing."""
    db.session.get_one(Order, msg.json()["id"]).state = "shipped"
    db.session.commit()


@ext.transactional
def write_letter(session: Session, msg: OutboxMessage) -> None:
    """Exactly once: the letter is there if and only if the message is done."""
    session.add(Letter(order_id=msg.json()["id"]))


def builder(engine: Engine) -> OutboxBuilder:
    return (
        Outbox.builder(engine).queue("orders", 4).leased(ship).queue("letters", 2).transactional(write_letter)
    )


def create_app() -> Flask:
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get("SHOP_DATABASE", "sqlite:///shop.db")
    app.config["OUTBOX_BUILDER"] = builder
    db.init_app(app)
    ext.init_app(app, db)

    @app.post("/orders")
    def take_order() -> tuple[dict[str, int], int]:
        order = Order(item=request.get_json()["item"])
        db.session.add(order)
        db.session.flush()
        ext.enqueue("orders", {"id": order.id}, key=order.item)
        ext.enqueue("letters", {"id": order.id}, key=order.item)
        db.session.commit()
        return {"id": order.id}, 202

    @app.get("/orders")
    def list_orders() -> dict[str, object]:
        letters = db.session.query(Letter).count()
        return {
            "orders": [[order.item, order.state] for order in db.session.query(Order)],
            "letters": letters,
        }

    @app.cli.command("init-db")
    def init_db() -> None:
        ext.migrate()
        db.create_all()

    return app
