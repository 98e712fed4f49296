from __future__ import annotations

from outbox.backends.lock_holders import LockHolder
from outbox.errors import ConnectionLost, PermissionRefused
from outbox.workers.lock_watch import TOO_LONG, LockWatch

HOLDER = LockHolder("42", "shop psql", 61.0, "idle in transaction", "outbox_partitions", "KILL 42")


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_row_is_a_problem_once_it_was_found_locked_for_too_long_and_no_longer_when_it_is_free() -> None:
    clock = Hand()
    watch = LockWatch(clock=clock)
    watch.locked("partitions", 1)
    clock.now += TOO_LONG - 1
    watch.locked("partitions", 1)
    assert watch.problem() is None
    clock.now += 1
    sentence = watch.problem()
    assert sentence is not None
    assert "1 partitions (in partitions)" in sentence
    watch.free("processor", [1])
    assert watch.problem() is not None
    watch.free("partitions", [1, 2])
    assert watch.problem() is None


def test_the_holders_are_told_with_the_statement_that_ends_them() -> None:
    assert (
        "session 42 (shop psql) has held outbox_partitions for 61 s"
        in LockWatch(lambda _: [HOLDER]).explain()
    )
    assert "end it by KILL 42" in LockWatch(lambda _: [HOLDER]).explain()
    assert "no session is seen" in LockWatch().explain()


def test_a_user_who_may_not_look_is_told_so() -> None:
    def refused(_: float) -> list[LockHolder]:
        raise PermissionRefused("no")

    def away(_: float) -> list[LockHolder]:
        raise ConnectionLost("gone")

    assert "may not see" in LockWatch(refused).explain()
    assert "could not be asked: gone" in LockWatch(away).explain()
