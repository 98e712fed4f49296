"""PgQueuer: PostgreSQL, asynchronous, batches of jobs each way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from benchmarks.peers.event_loop import UVLOOP, EventLoop
from benchmarks.peers.peer import Setting
from benchmarks.peers.tally import Tally
from benchmarks.servers import execute

DOCS = "https://janbjorge.github.io/pgqueuer"
TUNING = f"{DOCS}/guides/performance-tuning/"


class PgqueuerPeer:
    """One queue manager on one asyncpg connection."""

    distribution: ClassVar[str] = "pgqueuer"
    settings: ClassVar[Mapping[str, Setting]] = {
        "driver": Setting(
            "asyncpg", "twice as fast as psycopg by its own benchmark", f"{DOCS}/development/benchmark/"
        ),
        "connections": Setting(
            1, "a single connection for the queue manager is advised; five managers were slower", TUNING
        ),
        "durability": Setting(
            "durable", "the default; its other levels lose jobs in a crash, by their documentation", TUNING
        ),
        "autovacuum": Setting("pgq autovac", "advised after installation", TUNING),
        "batch_size": Setting(
            250, "for short jobs more than the default 10 is advised; 1 000 was slower", TUNING
        ),
        "mode": Setting("drain", "end when the queue is empty", f"{DOCS}/guides/programmatic-run/"),
        "enqueue": Setting("lists", "the bulk call: one statement", f"{DOCS}/getting-started/core-concepts/"),
        "loop": UVLOOP,
    }

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop = EventLoop()
        self._connection: Any = None

    def prepare(self) -> None:
        self.connect()
        queries = self._queries()
        self._loop.run(queries.install())
        self._loop.run(queries.optimize_autovacuum())
        self.close()

    def connect(self) -> None:
        import asyncpg

        self._connection = self._loop.run(asyncpg.connect(self._url))

    def enqueue(self, payloads: Sequence[bytes], batch: int) -> None:
        self._loop.run(self._send(payloads, batch))

    def close(self) -> None:
        self._loop.run(self._connection.close())

    def drain(self, tally: Tally) -> None:
        self._loop.run(self._work(tally))

    def pending(self) -> int:
        return int(execute(self._url, "SELECT count(*) FROM pgqueuer")[0][0])

    async def _send(self, payloads: Sequence[bytes], batch: int) -> None:
        queries = self._queries()
        if batch == 1:
            for payload in payloads:
                await queries.enqueue("handle", payload)
            return
        for start in range(0, len(payloads), batch):
            chunk = list(payloads[start : start + batch])
            await queries.enqueue(["handle"] * len(chunk), chunk, [0] * len(chunk))

    async def _work(self, tally: Tally) -> None:
        import asyncpg
        from pgqueuer import PgQueuer
        from pgqueuer.types import QueueExecutionMode

        async def handle(job: Any) -> None:
            tally.add(job.payload)

        connection = await asyncpg.connect(self._url)
        worker = PgQueuer.from_asyncpg_connection(connection)
        worker.entrypoint("handle", accepts_context=False)(handle)
        batch = self.settings["batch_size"].value
        await worker.run(batch_size=batch, mode=QueueExecutionMode(self.settings["mode"].value))
        await connection.close()

    def _queries(self) -> Any:
        from pgqueuer.queries import Queries

        return Queries.from_asyncpg_connection(self._connection)
