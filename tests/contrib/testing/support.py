"""An application whose tests deliver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from outbox import Outbox, OutboxBuilder, OutboxMessage

LEASED, TRANSACTIONAL = "mails", "audit"


class Handlers:
    """Handlers that remember, and fail when told to."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.audited: list[Any] = []
        self.fail: Callable[[OutboxMessage], object] = lambda msg: None

    def mail(self, msg: OutboxMessage) -> None:
        self.fail(msg)
        self.mails.append(msg.json())

    def audit(self, conn: Any, msg: OutboxMessage) -> None:
        sql = f"INSERT INTO audit (id) VALUES ({msg.json()})"
        if hasattr(conn, "exec_driver_sql"):
            conn.exec_driver_sql(sql)
        else:
            cursor = conn.cursor()
            cursor.execute(sql)
            cursor.close()
        self.fail(msg)
        self.audited.append(msg.json())


def builder(target: object, handlers: Handlers, *, max_attempts: int | None = None) -> OutboxBuilder:
    return (
        Outbox.builder(target)
        .queue(LEASED, 2)
        .leased(handlers.mail, max_attempts=max_attempts)
        .queue(TRANSACTIONAL, 1)
        .transactional(handlers.audit, max_attempts=max_attempts)
    )
