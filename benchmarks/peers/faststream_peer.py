"""FastStream's outbox broker: PostgreSQL, asynchronous, leases with batched deletes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import MetaData, text

from benchmarks.peers.event_loop import UVLOOP, EventLoop
from benchmarks.peers.peer import Setting
from benchmarks.peers.tally import Tally
from benchmarks.servers import execute

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

DOCS = "https://faststream-outbox.modern-python.org"
TUNING = f"{DOCS}/concepts/performance/"
SUBSCRIBER = f"{DOCS}/usage/subscriber/"
TABLE = "outbox"


class FaststreamPeer:
    """Publishes on the application's connection, as an outbox does."""

    distribution: ClassVar[str] = "faststream-outbox"
    settings: ClassVar[Mapping[str, Setting]] = {
        "driver": Setting("asyncpg", "the one with LISTEN", f"{DOCS}/introduction/installation/"),
        "max_workers": Setting(2, "one and four cost more: the handler does nothing", SUBSCRIBER),
        "fetch_batch_size": Setting(1_000, "fewer round trips; 500 is as fast", SUBSCRIBER),
        "terminal_flush_batch_size": Setting(1_000, "one delete for each fetched batch", TUNING),
        "min_fetch_interval": Setting(0.001, "as in its own benchmark: no pause in a backlog", SUBSCRIBER),
        "max_fetch_interval": Setting(0.1, "its idle back-off", SUBSCRIBER),
        "autovacuum": Setting(
            "outbox_autovacuum_ddl",
            "advised for a table of this kind",
            f"{DOCS}/operations/alembic/#autovacuum-tuning-recommended",
        ),
        "apply_types": Setting(
            False,
            "no validation of the handler's arguments: a tenth less processor time",
            "https://faststream.ag2.ai/latest/getting-started/dependencies/",
        ),
        "logger": Setting(
            None, "as in its own benchmark: two lines a message otherwise", f"{DOCS}/usage/observability/"
        ),
        "enqueue": Setting("publish_batch", "the bulk call", TUNING),
        "loop": UVLOOP,
    }

    def __init__(self, url: str) -> None:
        from faststream_outbox import make_outbox_table

        self._url = url
        self._loop = EventLoop()
        self._metadata = MetaData()
        self._table: Any = make_outbox_table(self._metadata, TABLE)
        self._engine: Any = None

    def prepare(self) -> None:
        self._loop.run(self._create())

    def connect(self) -> None:
        self._engine = self._new_engine(1)
        self._loop.run(self._ping())

    def enqueue(self, payloads: Sequence[bytes], batch: int) -> None:
        self._loop.run(self._send(payloads, batch))

    def close(self) -> None:
        self._loop.run(self._engine.dispose())

    def drain(self, tally: Tally) -> None:
        self._loop.run(self._work(tally))

    def pending(self) -> int:
        return int(execute(self._url, f"SELECT count(*) FROM {TABLE}")[0][0])

    async def _create(self) -> None:
        from faststream_outbox.autovacuum import outbox_autovacuum_ddl

        engine = self._new_engine(1)
        async with engine.begin() as connection:
            await connection.run_sync(self._metadata.create_all)
            await connection.execute(text(outbox_autovacuum_ddl(TABLE)))
        await engine.dispose()

    async def _ping(self) -> None:
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def _send(self, payloads: Sequence[bytes], batch: int) -> None:
        broker = self._broker(self._engine)
        for start in range(0, len(payloads), batch):
            async with self._engine.begin() as connection:
                chunk = payloads[start : start + batch]
                if batch == 1:
                    await broker.publish(chunk[0], queue="bench", session=connection)
                else:
                    await broker.publish_batch(*chunk, queue="bench", session=connection)

    async def _work(self, tally: Tally) -> None:
        done = asyncio.Event()

        async def handle(payload: bytes) -> None:
            if tally.add(payload):
                done.set()

        numbers = (
            "max_workers",
            "fetch_batch_size",
            "terminal_flush_batch_size",
            "min_fetch_interval",
            "max_fetch_interval",
        )
        chosen = {name: self.settings[name].value for name in numbers}
        engine = self._new_engine(chosen["max_workers"] + 1)
        broker = self._broker(engine)
        broker.subscriber("bench", **chosen)(handle)
        await broker.start()
        await done.wait()
        await broker.stop()
        await engine.dispose()

    def _broker(self, engine: AsyncEngine) -> Any:
        from faststream_outbox import OutboxBroker

        apply_types = self.settings["apply_types"].value
        return OutboxBroker(engine, outbox_table=self._table, logger=None, apply_types=apply_types)

    def _new_engine(self, connections: int) -> AsyncEngine:
        from sqlalchemy.ext.asyncio import create_async_engine

        url = self._url.replace("postgresql://", "postgresql+asyncpg://", 1)
        return create_async_engine(url, pool_size=connections, max_overflow=0)
