"""What the tables say while a workload runs."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from benchmarks.servers import connect

if TYPE_CHECKING:
    from typing_extensions import Self


class Tables:
    """Looks on a connection of its own."""

    def __init__(self, url: str) -> None:
        self._connection = connect(url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def value(self, query: str) -> Any:
        """Return the one value of a query."""
        cursor = self._connection.cursor()
        cursor.execute(query)
        ((value,),) = cursor.fetchall()
        cursor.close()
        return value

    def wait_until_empty(self, messages: int, timeout: float = 600.0) -> None:
        """Wait until the vacuum has removed this number of messages in all."""
        deadline = time.monotonic() + timeout
        while (removed := self.value("SELECT sum(vacuumed_seq) FROM outbox_vacuum") or 0) < messages:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{removed} of {messages} messages were removed within {timeout:g} s")
            time.sleep(0.01)

    def check_empty(self) -> None:
        """Raise unless nothing is left."""
        for table in ("incoming", "outgoing", "body"):
            left = self.value(f"SELECT count(*) FROM outbox_{table}")
            if left:
                raise AssertionError(f"{left} rows are left in outbox_{table}")
