"""Procrastinate: PostgreSQL, asynchronous, a statement to fetch and one to finish for each job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from benchmarks.peers.event_loop import UVLOOP, EventLoop
from benchmarks.peers.peer import Setting
from benchmarks.peers.tally import Tally
from benchmarks.servers import execute

DOCS = "https://procrastinate.readthedocs.io/en/stable"


class ProcrastinatePeer:
    """Defers with the synchronous connector, as a synchronous application does; works with the other."""

    distribution: ClassVar[str] = "procrastinate"
    settings: ClassVar[Mapping[str, Setting]] = {
        "enqueue": Setting(
            "SyncPsycopgConnector, batch_defer", "the bulk call", f"{DOCS}/howto/basics/batch_defer.html"
        ),
        "concurrency": Setting(
            10,
            "finishing overlaps with the next fetch, one at a time; 30 gains nothing",
            f"{DOCS}/howto/production/concurrency.html",
        ),
        "pool": Setting(
            3,
            "made by the application and handed over: a pool of the connector's own pings before each use",
            f"{DOCS}/howto/basics/open_connection.html",
        ),
        "queues": Setting(
            None,
            "all of them: with a list, each fetch of a long backlog costs the server twice as much",
            f"{DOCS}/howto/basics/worker.html",
        ),
        "autocommit": Setting(
            True,
            "a call of one function needs no BEGIN and COMMIT around it; only its listener cannot have it so",
            f"{DOCS}/howto/basics/connector.html",
        ),
        "delete_jobs": Setting(
            "always",
            "less log than keeping finished jobs, which would have to be removed later",
            f"{DOCS}/howto/production/delete_finished_jobs.html",
        ),
        "listen_notify": Setting(False, "the queue is full: no worker waits", f"{DOCS}/reference.html"),
        "wait": Setting(False, "end when the queue is empty", f"{DOCS}/reference.html"),
        "task": Setting("async", "no thread for each job", f"{DOCS}/howto/basics/tasks.html"),
        "loop": UVLOOP,
    }

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop = EventLoop()
        self._pool: Any = None
        self._send: Any = None

    def prepare(self) -> None:
        app = self._new("SyncPsycopgConnector")
        with app.open():
            app.schema_manager.apply_schema()

    def connect(self) -> None:
        from psycopg_pool import ConnectionPool

        async def task(payload: str) -> None:
            """Only the worker's is called."""

        self._pool = ConnectionPool(self._url, kwargs=self._kwargs(), min_size=1, max_size=1, open=True)
        self._pool.wait()
        producer = self._new("SyncPsycopgConnector")
        producer.open(self._pool)
        self._send = producer.task(task, name="handle", queue="bench")

    def enqueue(self, payloads: Sequence[bytes], batch: int) -> None:
        if batch == 1:
            for payload in payloads:
                self._send.defer(payload=payload.decode())
            return
        for start in range(0, len(payloads), batch):
            chunk = payloads[start : start + batch]
            self._send.batch_defer(*({"payload": payload.decode()} for payload in chunk))

    def close(self) -> None:
        self._pool.close()

    def drain(self, tally: Tally) -> None:
        self._loop.run(self._work(tally))

    def pending(self) -> int:
        rows = execute(self._url, "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")
        return int(rows[0][0])

    async def _work(self, tally: Tally) -> None:
        from psycopg_pool import AsyncConnectionPool

        async def handle(payload: str) -> None:
            tally.add(payload)

        chosen = {name: setting.value for name, setting in self.settings.items()}
        app = self._new("PsycopgConnector")
        app.task(handle, name="handle", queue="bench")
        size = chosen["pool"]
        async with (
            AsyncConnectionPool(
                self._url, kwargs=self._kwargs(), min_size=size, max_size=size, open=False
            ) as pool,
            app.open_async(pool),
        ):
            await app.run_worker_async(
                queues=chosen["queues"],
                concurrency=chosen["concurrency"],
                delete_jobs=chosen["delete_jobs"],
                listen_notify=chosen["listen_notify"],
                wait=chosen["wait"],
                install_signal_handlers=False,
            )

    def _kwargs(self) -> dict[str, Any]:
        return {"autocommit": self.settings["autocommit"].value}

    def _new(self, connector: str) -> Any:
        import procrastinate

        return procrastinate.App(connector=getattr(procrastinate, connector)(conninfo=self._url))
