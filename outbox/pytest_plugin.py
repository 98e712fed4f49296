"""pytest's plugin: fixtures for the tests of applications, none of which runs unless a test asks for it.

pytest loads it in every project that has the library, so it imports nothing heavy by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from outbox import Outbox, OutboxBuilder
    from outbox.testing import DrainCounts, Sent


@pytest.fixture
def outbox_builder() -> OutboxBuilder:
    """Override this one: return the builder of your application, for the database of its tests."""
    pytest.fail(
        "define a fixture outbox_builder in your conftest.py that returns your OutboxBuilder", pytrace=False
    )


@pytest.fixture
def outbox_box(outbox_builder: OutboxBuilder) -> Iterator[Outbox]:
    """The `Outbox` that ``outbox_builder`` opens, closed after the test."""
    with outbox_builder.open() as box:
        yield box


@pytest.fixture
def outbox_sent(outbox_box: Outbox) -> Iterator[Sent]:
    """What the test enqueues through ``outbox_box``; see `outbox.testing.capture`."""
    from outbox.testing import capture

    with capture(outbox_box) as sent:
        yield sent


@pytest.fixture
def outbox_drain(outbox_box: Outbox) -> Callable[..., DrainCounts]:
    """`outbox.testing.drain` for ``outbox_box``: ``outbox_drain(conn=session, errors="raise")``."""
    from outbox.testing import drain

    return partial(drain, outbox_box)
