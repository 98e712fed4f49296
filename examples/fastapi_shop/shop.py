"""A shop in FastAPI: routes with and without a loop write orders and their messages, workers ship them."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import create_engine, make_url, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import outbox
from outbox import Outbox, OutboxMessage

URL = make_url(os.environ.get("SHOP_DATABASE", "sqlite:///shop.db"))
ON_A_LOOP = {"sqlite": "aiosqlite", "postgresql": "asyncpg", "mysql": "asyncmy"}

engine = create_engine(URL)
async_engine = create_async_engine(
    URL.set(drivername=f"{URL.get_backend_name()}+{ON_A_LOOP[URL.get_backend_name()]}")
)


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str]
    state: Mapped[str] = mapped_column(default="new")


class NewOrder(BaseModel):
    item: str


def ship(msg: OutboxMessage) -> None:
    """At least once, in a thread: a second delivery changes nothing."""
    with Session(engine) as session:
        session.get_one(Order, msg.json()["id"]).state = "shipped"
        session.commit()


builder = Outbox.builder(engine).queue("orders", 4).leased(ship)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    outbox.migrate(engine)
    Base.metadata.create_all(engine)
    with builder.start() as handle:
        app.state.box = handle.outbox
        yield
    await async_engine.dispose()


app = FastAPI(lifespan=lifespan)


def session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


async def async_session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(async_engine) as session:
        yield session


@app.post("/orders", status_code=202)
def take_order(new: NewOrder, session: Annotated[Session, Depends(session)]) -> dict[str, int]:
    order = Order(item=new.item)
    session.add(order)
    session.flush()
    app.state.box.enqueue(session, "orders", {"id": order.id}, key=order.item)
    session.commit()
    return {"id": order.id}


@app.post("/async/orders", status_code=202)
async def take_order_on_the_loop(
    new: NewOrder, session: Annotated[AsyncSession, Depends(async_session)]
) -> dict[str, int]:
    order = Order(item=new.item)
    session.add(order)
    await session.flush()
    number = order.id
    await app.state.box.aenqueue(session, "orders", {"id": number}, key=new.item)
    await session.commit()
    return {"id": number}


@app.get("/orders")
def list_orders(session: Annotated[Session, Depends(session)]) -> dict[str, list[list[str]]]:
    return {
        "orders": [[order.item, order.state] for order in session.scalars(select(Order).order_by(Order.id))]
    }
