"""Chancy: PostgreSQL, asynchronous, batches of jobs each way, updates at intervals."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from benchmarks.peers.event_loop import UVLOOP, EventLoop
from benchmarks.peers.peer import Setting
from benchmarks.peers.tally import Tally
from benchmarks.servers import execute

DOCS = "https://tkte.ch/chancy"
WORKER = f"{DOCS}/chancy.worker.html"


class ChancyPeer:
    """Pushes synchronously, works on the event loop."""

    distribution: ClassVar[str] = "chancy"
    settings: ClassVar[Mapping[str, Setting]] = {
        "executor": Setting(
            "Async", "the least overhead for a job that does nothing", f"{DOCS}/chancy.executors.asyncex.html"
        ),
        "concurrency": Setting(
            1_000, "jobs fetched at a time; 100 costs a tenth more", f"{DOCS}/chancy.queue.html"
        ),
        "eager_polling": Setting(
            True, "fetch again when a job is done, not after the interval", f"{DOCS}/chancy.queue.html"
        ),
        "send_outgoing_interval": Setting(
            1, "the default: results are written once a second, a thousand at a time", WORKER
        ),
        "plugins": Setting(
            "Leadership, Recovery, Pruner",
            "what keeps a queue whole; metrics and workflows are left out",
            f"{DOCS}/chancy.plugins.html",
        ),
        "enqueue": Setting("sync_push_many", "the bulk call", f"{DOCS}/chancy.app.html"),
        "loop": UVLOOP,
    }
    work: ClassVar[tuple[Tally, asyncio.Event]]
    """Jobs name their function, and so it stands in this module and finds here whom to tell."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop = EventLoop()
        self._producer: Any = None

    def prepare(self) -> None:
        self._loop.run(self._create())

    def connect(self) -> None:
        self._producer = self._new()
        self._producer.sync_pool.open(wait=True)

    def enqueue(self, payloads: Sequence[bytes], batch: int) -> None:
        jobs = (self._job(payload) for payload in payloads)
        if batch == 1:
            for job in jobs:
                self._producer.sync_push(job)
            return
        for _ in self._producer.sync_push_many(list(jobs), batch_size=batch):
            continue  # each round is a transaction

    def close(self) -> None:
        self._producer.sync_pool.close()

    def drain(self, tally: Tally) -> None:
        self._loop.run(self._work(tally))

    def pending(self) -> int:
        rows = execute(self._url, "SELECT count(*) FROM chancy_jobs WHERE state <> 'succeeded'")
        return int(rows[0][0])

    async def _create(self) -> None:
        async with self._new() as chancy:
            await chancy.migrate()

    async def _work(self, tally: Tally) -> None:
        from chancy import Chancy, Queue, Worker

        done = asyncio.Event()
        ChancyPeer.work = (tally, done)
        async with self._new() as chancy:
            queue = Queue(
                # The worker would declare one of this name, with a pool of processes.
                "default",
                executor=getattr(Chancy.Executor, self.settings["executor"].value),
                concurrency=self.settings["concurrency"].value,
                eager_polling=self.settings["eager_polling"].value,
            )
            await chancy.declare(queue, upsert=True)
            worker = Worker(chancy, register_signal_handlers=False)
            worker.send_outgoing_interval = self.settings["send_outgoing_interval"].value
            async with worker:
                await done.wait()

    def _new(self) -> Any:
        from chancy import Chancy
        from chancy.plugins.leadership import Leadership
        from chancy.plugins.pruner import Pruner
        from chancy.plugins.recovery import Recovery

        return Chancy(
            self._url,
            plugins=[Leadership(), Recovery(), Pruner()],
            no_default_plugins=True,
            log=logging.getLogger("chancy"),
        )

    @staticmethod
    def _job(payload: bytes) -> Any:
        from chancy import Job

        return Job(func=f"{__name__}.handle", queue="default", kwargs={"payload": payload.decode()})


async def handle(payload: str) -> None:
    """Note the call."""
    tally, done = ChancyPeer.work
    if tally.add(payload):
        done.set()
