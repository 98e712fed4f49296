"""The Python client of PGMQ: functions in PostgreSQL, and a loop around them that is ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from benchmarks.peers.peer import Setting
from benchmarks.peers.tally import Tally
from benchmarks.servers import execute

DOCS = "https://pgmq.github.io/pgmq-py/1.1.4"
QUEUE = "bench"


class PgmqPeer:
    """Read, handle, delete, in batches. It has no worker, so nothing retries, orders or dead-letters here."""

    distribution: ClassVar[str] = "pgmq"
    settings: ClassVar[Mapping[str, Setting]] = {
        "installation": Setting(
            "SQL only", "the client carries the extension's script", f"{DOCS}/sql_installation/"
        ),
        "batch": Setting(1_000, "fewer round trips; 500 costs more", f"{DOCS}/reading_messages/"),
        "vt": Setting(30, "the default: seconds that a message is hidden", f"{DOCS}/visibility_timeout/"),
        "delete": Setting(
            "delete_batch",
            "an acknowledgement after the handler; pop would lose messages in a crash",
            f"{DOCS}/deleting_and_archiving/",
        ),
        "enqueue": Setting("send_batch", "the bulk call", f"{DOCS}/sending_messages/"),
    }

    def __init__(self, url: str) -> None:
        self._url = url
        self._producer: Any = None

    def prepare(self) -> None:
        from pgmq.install import install_pgmq_from_sql

        install_pgmq_from_sql(dsn=self._url)
        self.connect()
        self._producer.create_queue(QUEUE)
        self.close()

    def connect(self) -> None:
        self._producer = self._client()

    def enqueue(self, payloads: Sequence[bytes], batch: int) -> None:
        if batch == 1:
            for payload in payloads:
                self._producer.send(QUEUE, {"payload": payload.decode()})
            return
        for start in range(0, len(payloads), batch):
            chunk = [{"payload": payload.decode()} for payload in payloads[start : start + batch]]
            self._producer.send_batch(QUEUE, chunk)

    def close(self) -> None:
        self._producer.close()

    def drain(self, tally: Tally) -> None:
        client = self._client()
        batch, hidden = self.settings["batch"].value, self.settings["vt"].value
        while messages := client.read_batch(QUEUE, vt=hidden, batch_size=batch):
            for message in messages:
                tally.add(message.message["payload"])
            client.delete_batch(QUEUE, [message.msg_id for message in messages])
        client.close()

    def pending(self) -> int:
        return int(execute(self._url, f"SELECT count(*) FROM pgmq.q_{QUEUE}")[0][0])

    def _client(self) -> Any:
        from pgmq import PGMQueue

        client = PGMQueue(conn_string=self._url, init_extension=False, pool_size=1)
        client.pool.wait()
        return client
