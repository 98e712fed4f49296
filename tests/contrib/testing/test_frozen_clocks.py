from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import freezegun
import pytest
import time_machine

from outbox.testing import drain, message
from tests.contrib.testing.support import LEASED, Handlers, builder
from tests.support import Database, eventually

AT = "2031-05-05 05:05:05+00:00"
FREEZERS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "freezegun": lambda: freezegun.freeze_time(AT),
    "time-machine": lambda: time_machine.travel(datetime.fromisoformat(AT), tick=False),
}


@pytest.mark.parametrize("freezer", FREEZERS)
def test_a_frozen_clock_hangs_nothing(migrated: Database, freezer: str) -> None:
    handlers = Handlers()
    with FREEZERS[freezer]():
        with builder(migrated.url, handlers).open() as box:
            box.enqueue_now(LEASED, "drained")
            assert drain(box).processed == 1
        with builder(migrated.url, handlers).start() as handle:
            handle.outbox.enqueue_now(LEASED, "delivered")
            eventually(lambda: len(handlers.mails) == 2)
            assert handle.healthy()
            assert handle.stop(10)
    assert handlers.mails == ["drained", "delivered"]


@pytest.mark.parametrize("freezer", FREEZERS)
def test_time_that_is_left_passes_all_the_same(freezer: str) -> None:
    with FREEZERS[freezer]():
        msg = message(remaining=0.01)
        eventually(lambda: msg.remaining() == 0)
