"""Messages by plain SQL, on a connection of the test's own."""

from __future__ import annotations

from typing import Any

from tests.support import Database

LAST_ID = {
    "sqlite": "SELECT last_insert_rowid()",
    "postgresql": "SELECT lastval()",
    "mysql": "SELECT last_insert_id()",
    "mariadb": "SELECT last_insert_id()",
}


class Producer:
    """One connection; each `put` joins its open transaction, which `commit` or `rollback` ends."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Any = database.connect(autocommit=False)

    def put(
        self,
        partition_id: int,
        payload: bytes = b"{}",
        payload_type: str = "application/json",
        headers: str | None = None,
    ) -> int:
        """Write a body and an incoming row; return the message id."""
        self._run(
            "INSERT INTO outbox_body (payload, payload_type, headers) VALUES (?, ?, ?)",
            payload,
            payload_type,
            headers,
        )
        cursor = self._run(LAST_ID[self._database.backend])
        message_id = int(cursor.fetchone()[0])
        self._run(
            "INSERT INTO outbox_incoming (partition_id, body_id) VALUES (?, ?)", partition_id, message_id
        )
        return message_id

    def commit(self) -> None:
        self._connection.commit()

    def rollback(self) -> None:
        self._connection.rollback()

    def send(self, partition_id: int, *payloads: bytes) -> list[int]:
        """Write messages and commit them."""
        sent = [self.put(partition_id, payload) for payload in payloads]
        self.commit()
        return sent

    def close(self) -> None:
        self._connection.close()

    def _run(self, sql: str, *parameters: Any) -> Any:
        cursor = self._connection.cursor()
        cursor.execute(sql.replace("?", self._database.placeholder), parameters)
        return cursor
