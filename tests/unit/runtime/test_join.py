from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback

from tests.support import Spawn
from tests.unit.runtime.support import PATIENCE, Stuck, woken


def end_with_7(*_: object) -> None:
    os._exit(7)


def signal_given_to_another_thread() -> None:
    action = Stuck()
    worker = woken(action)
    worker.start()
    assert action.entered.wait(PATIENCE)
    signal.signal(signal.SIGTERM, end_with_7)
    waiter = threading.main_thread().ident
    assert waiter is not None

    def poke() -> None:
        # The wait has begun when the thread is found twice at the same place.
        places = [None, waits_at(waiter)]
        while places[-1] is None or places[-1] != places[-2]:
            time.sleep(0.05)
            places.append(waits_at(waiter))
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    threading.Thread(target=poke).start()
    worker.join(600)


def waits_at(thread: int) -> tuple[str, int] | None:
    """Return the line of the threading module that a thread is at, None when it does not join."""
    frames = [frame for frame, _ in traceback.walk_stack(sys._current_frames()[thread])]
    if not any(frame.f_code is threading.Thread.join.__code__ for frame in frames):
        return None
    return frames[0].f_code.co_name, frames[0].f_lineno


def test_a_join_does_not_keep_a_signal_from_its_handler(spawn: Spawn) -> None:
    assert spawn(signal_given_to_another_thread).wait() == 7
