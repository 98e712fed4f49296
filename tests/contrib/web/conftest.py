from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from outbox import Outbox, Reject
from outbox.contrib.web import ACT, OutboxPage
from outbox.testing import drain
from tests.acceptance.bench import Bench, builder_for
from tests.acceptance.bench.fixtures import bench
from tests.acceptance.cli.conftest import shell
from tests.contrib.web.client import Visitor

__all__ = ["bench", "shell"]
Visit = Callable[..., Visitor]


def refuse(msg: Any) -> Reject:
    return Reject(f"KeyError: {msg.json()}")


@pytest.fixture
def troubled(bench: Bench) -> Outbox:
    """Three dead letters of one kind, and a message that waits numbered behind no worker."""
    with builder_for(bench.database.url, lambda queue: queue.leased(refuse)).open() as box:
        for text in ("a", "b", "<script>alert('payload')</script>"):
            box.enqueue_now("orders", text, key="Anna")
        drain(box)
    # Rejections are told apart by their text; what the page is to show are three of one kind.
    bench.database.execute("UPDATE outbox_dead_letters SET fingerprint = 'KeyError'")
    bench.send("waiting")
    return bench.producer


@pytest.fixture
def visit(troubled: Outbox) -> Iterator[Visit]:
    """Make a visitor of a page with these options; one that may act unless they say otherwise."""
    pages: list[OutboxPage] = []

    def visit(*, prefix: str = "", **options: Any) -> Visitor:
        pages.append(OutboxPage(troubled, **{"access": lambda _: ACT, **options}))
        return Visitor(pages[-1], prefix)

    yield visit
    for page in pages:
        page.close()
