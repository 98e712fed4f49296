"""Huey: SQLite, threads, a transaction for each step of each task."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from benchmarks.peers.peer import Setting
from benchmarks.peers.tally import Tally

DOCS = "https://huey.readthedocs.io/en/latest"
API = f"{DOCS}/api.html"


class HueyPeer:
    """One queue in the database's file."""

    distribution: ClassVar[str] = "huey"
    settings: ClassVar[Mapping[str, Setting]] = {
        "fsync": Setting(True, "durable, as ours: synchronous = full", f"{API}#SqliteHuey"),
        "journal_mode": Setting("wal", "the default, as ours", f"{API}#SqliteHuey"),
        "results": Setting(False, "no result is wanted", f"{API}#Huey"),
        "workers": Setting(
            2,
            "one waits for the disk while the other computes; four cost more processor time and gain little",
            f"{DOCS}/consumer.html",
        ),
        "periodic": Setting(False, "no periodic tasks", f"{DOCS}/consumer.html"),
        "enqueue": Setting(
            "map", "the bulk call; a transaction for each task all the same", f"{API}#TaskWrapper"
        ),
    }

    def __init__(self, url: str) -> None:
        self._path = urlsplit(url).path[1:]
        self._producer: Any = None
        self._send: Any = None

    def prepare(self) -> None:
        self._new().storage.close()

    def connect(self) -> None:
        def handle(payload: bytes) -> None:
            """Only the consumer's is called."""

        self._producer = self._new()
        self._send = self._producer.task(name="handle")(handle)

    def enqueue(self, payloads: Sequence[bytes], batch: int) -> None:
        if batch == 1:
            for payload in payloads:
                self._send(payload)
            return
        self._send.map(payloads)

    def close(self) -> None:
        self._producer.storage.close()

    def drain(self, tally: Tally) -> None:
        done = threading.Event()

        def handle(payload: bytes) -> None:
            if tally.add(payload):
                done.set()

        huey = self._new()
        huey.task(name="handle")(handle)
        consumer = huey.create_consumer(
            workers=self.settings["workers"].value, periodic=self.settings["periodic"].value
        )
        consumer.start()
        done.wait()
        consumer.stop(graceful=True)
        huey.storage.close()

    def pending(self) -> int:
        huey = self._new()
        left = int(huey.storage.queue_size())
        huey.storage.close()
        return left

    def _new(self) -> Any:
        from huey import SqliteHuey

        return SqliteHuey(
            "bench",
            filename=self._path,
            results=self.settings["results"].value,
            fsync=self.settings["fsync"].value,
            journal_mode=self.settings["journal_mode"].value,
        )
