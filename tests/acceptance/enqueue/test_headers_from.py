from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

import pytest

from outbox import ConfigurationError, EnqueueMessage, InvalidHeaders, Outbox, OutboxMessage
from outbox.testing import drain
from tests.support import Database

REQUEST: ContextVar[str | None] = ContextVar("REQUEST", default=None)


def request_headers() -> Mapping[str, str] | None:
    request = REQUEST.get()
    return None if request is None else {"request": request, "tenant": "of the request"}


class Seen:
    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []

    def __call__(self, msg: OutboxMessage) -> None:
        self.headers.append(dict(msg.headers))


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def made(migrated: Database, seen: Seen) -> Callable[..., Outbox]:
    def make(*sources: Any) -> Outbox:
        builder = Outbox.builder(migrated.url)
        for source in sources:
            builder = builder.headers_from(source)
        return builder.queue("orders", 1).leased(seen).open()

    return make


def test_every_message_has_the_headers_of_its_context(made: Callable[..., Outbox], seen: Seen) -> None:
    with made(request_headers) as box:
        box.enqueue_now("orders", 1)
        token = REQUEST.set("r-1")
        box.enqueue_now("orders", 2)
        with box.transaction() as conn:
            messages = [EnqueueMessage(3), EnqueueMessage(4, headers={"tenant": "its own", "more": "x"})]
            box.enqueue_batch(conn, "orders", messages)
        REQUEST.reset(token)
        drain(box)
    context = {"request": "r-1", "tenant": "of the request"}
    assert seen.headers == [{}, context, context, {**context, "tenant": "its own", "more": "x"}]


def test_a_later_source_wins_over_an_earlier_one(made: Callable[..., Outbox], seen: Seen) -> None:
    with made(lambda: {"a": "1", "b": "1"}, lambda: {"b": "2"}) as box:
        box.enqueue_now("orders", 1)
        drain(box)
    assert seen.headers == [{"a": "1", "b": "2"}]


def test_what_a_source_raises_comes_before_anything_is_written(
    made: Callable[..., Outbox], migrated: Database
) -> None:
    def broken() -> Mapping[str, str]:
        raise LookupError("no request")

    with made(broken) as box, pytest.raises(LookupError, match="no request"):
        box.enqueue_now("orders", 1)
    with made(lambda: {"a": 1}) as box, pytest.raises(InvalidHeaders):
        box.enqueue_now("orders", 1)
    assert migrated.count("outbox_body") == 0


def test_what_cannot_be_called_is_refused_at_once(made: Callable[..., Outbox]) -> None:
    with pytest.raises(ConfigurationError, match="headers_from"):
        made({"a": "1"})
    with pytest.raises(ConfigurationError, match="headers_from"):
        made(lambda message: {})
