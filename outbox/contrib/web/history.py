"""The last hour of each queue, collected by the page itself while it is looked at."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from outbox.contrib.web.html import Html, tag
from outbox.errors import OutboxError
from outbox.facade.gauges import Attendance, PartitionGauges

log = logging.getLogger("outbox.web")

EVERY: Final = 15.0
"""Seconds between two looks: 240 points an hour, as many as a small chart shows."""
POINTS: Final = 240
WIDTH: Final = 240
HEIGHT: Final = 48
FAILED: Final = {"event": "outbox.page_failed"}


@dataclass(frozen=True)
class Point:
    """A queue at a moment."""

    at: float
    backlog: int
    age: float
    processed: int


class History:
    """Looks at the tables every fifteen seconds, in a thread that begins with the first visitor."""

    def __init__(self, read: Callable[[], Sequence[PartitionGauges]]) -> None:
        self._read = read
        self._points: defaultdict[str, deque[Point]] = defaultdict(lambda: deque(maxlen=POINTS))
        self._attendance = Attendance()
        self._unattended: frozenset[int] = frozenset()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = 0

    def begin(self) -> None:
        """Start the thread, also in a child of a process that had one."""
        with self._lock:
            if self._pid == os.getpid() or self._stopped.is_set():
                return
            self._pid = os.getpid()
            self._thread = threading.Thread(target=self._run, name="outbox-web-history", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stopped.set()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join()

    def look(self) -> None:
        """Remember how the queues are now."""
        partitions = self._read()
        queues: defaultdict[str, list[PartitionGauges]] = defaultdict(list)
        for partition in partitions:
            queues[partition.queue].append(partition)
        now = time.time()
        for queue, rows in queues.items():
            backlog = sum(row.incoming + row.backlog for row in rows)
            age = max((row.oldest_age or 0.0 for row in rows), default=0.0)
            self._points[queue].append(Point(now, backlog, age, sum(row.processed_seq for row in rows)))
        self._unattended = frozenset(self._attendance.unattended(partitions))

    @property
    def unattended(self) -> frozenset[int]:
        """The partitions that no worker takes."""
        return self._unattended

    def of(self, queue: str) -> list[Point]:
        """Return the points of a queue, oldest first."""
        return list(self._points.get(queue, ()))

    def rate(self, queue: str) -> float | None:
        """Return the messages a second that left the queue in the last minute or so."""
        recent = self.of(queue)[-5:]
        if len(recent) < 2 or recent[-1].at <= recent[0].at:
            return None
        return max(0.0, (recent[-1].processed - recent[0].processed) / (recent[-1].at - recent[0].at))

    def _run(self) -> None:
        while True:
            try:
                self.look()
            except OutboxError as error:
                log.warning("the page cannot read the tables: %s", error, extra=FAILED)
            except Exception:
                log.exception("the page cannot look at the queues", extra=FAILED)
            if self._stopped.wait(EVERY):
                return


def chart(title: str, values: Sequence[float], unit: str = "") -> Html:
    """Return a line over the last hour as SVG, and what it says in words for those who do not see it."""
    if len(values) < 2:
        return tag("p", f"{title}: the first points come in half a minute", class_="empty")
    top = max(*values, 1.0)
    step = WIDTH / (POINTS - 1)
    first = WIDTH - step * (len(values) - 1)
    points = " ".join(
        f"{first + step * n:.1f},{HEIGHT - 2 - (HEIGHT - 4) * value / top:.1f}"
        for n, value in enumerate(values)
    )
    words = f"{title}, last hour: now {values[-1]:.0f}{unit}, at most {max(values):.0f}{unit}"
    line = tag("polyline", points=points, fill="none", stroke="currentColor", stroke_width=1.5)
    picture = tag("svg", tag("title", words), line, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img")
    return tag("figure", picture, tag("figcaption", words))
