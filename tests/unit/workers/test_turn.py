from __future__ import annotations

import pytest

from outbox.backends.records import Delivery
from outbox.clock import monotonic
from outbox.values.lease_config import LeaseConfig
from outbox.workers.turn import Turn
from tests.unit.workers.support import make_consumer, make_delivery

PATIENCE = 1.0


def make_turn(lease: LeaseConfig | None = None, *, partitions: int = 3, started: float | None = None) -> Turn:
    """Return a turn with one delivery in each partition."""
    began = monotonic() if started is None else started
    turn = Turn("token", make_consumer(lease=lease or LeaseConfig(30, headroom=3)), lambda: False)
    turn.load([make_delivery(2, partition_id=n) for n in range(1, partitions + 1)], began)
    return turn


def due(turn: Turn) -> list[int]:
    return list(turn.to_renew())


def ids(deliveries: list[Delivery]) -> list[int]:
    return [delivery.partition_id for delivery in deliveries]


def test_deliveries_come_in_order_and_then_none() -> None:
    turn = make_turn()
    taken = [turn.next(0.0) for _ in range(4)]
    assert [delivery and delivery.partition_id for delivery in taken] == [1, 2, 3, None]


def test_the_cancel_point_is_reckoned_from_the_leases_start() -> None:
    turn = make_turn(LeaseConfig(30, headroom=5), started=100.0)
    assert turn.hold(1).deadline.at == 125.0
    turn.load([make_delivery(1, partition_id=1)], 200.0)
    assert turn.hold(1).deadline.at == 225.0


def test_a_message_keeps_the_cancel_point_of_the_lease_it_came_with() -> None:
    turn = make_turn(LeaseConfig(30, headroom=5), started=100.0)
    first = turn.hold(1).deadline
    turn.load([make_delivery(1, partition_id=1)], 200.0)
    assert first.at == 125.0


def test_what_was_not_started_is_given_up_when_the_one_in_front_takes_too_long() -> None:
    turn = make_turn()
    turn.next(10.0)
    assert turn.give_up_waiting(10.9, PATIENCE) == []
    assert ids(turn.give_up_waiting(11.0, PATIENCE)) == [2, 3]
    assert turn.give_up_waiting(12.0, PATIENCE) == []
    assert turn.next(12.0) is None


def test_nothing_is_given_up_before_the_first_is_handed_over() -> None:
    assert make_turn().give_up_waiting(1e9, PATIENCE) == []


def test_each_message_begins_its_own_patience() -> None:
    turn = make_turn()
    turn.next(10.0)
    turn.next(10.9)
    assert turn.give_up_waiting(11.5, PATIENCE) == []


def test_without_renewals_nothing_is_renewed() -> None:
    turn = make_turn(LeaseConfig(30, headroom=3), started=monotonic() - 26)
    assert due(turn) == []


def test_a_renewal_is_due_in_the_last_third_of_the_budget() -> None:
    lease = LeaseConfig(30, headroom=3, renewals=1)
    assert due(make_turn(lease, started=monotonic() - 17)) == []
    assert due(make_turn(lease, started=monotonic() - 19)) == [1, 2, 3]


def test_a_renewal_covers_all_that_is_held_and_not_what_was_given_up() -> None:
    turn = make_turn(LeaseConfig(30, headroom=3, renewals=2), started=monotonic() - 20)
    turn.next(0.0)
    assert due(turn) == [1, 2, 3]
    turn.give_up_waiting(5.0, PATIENCE)
    assert due(turn) == [1]


def test_a_renewal_that_failed_is_not_used_up() -> None:
    turn = make_turn(LeaseConfig(30, headroom=3, renewals=1), started=monotonic() - 20)
    assert [due(turn) for _ in range(3)] == [[1, 2, 3]] * 3


def test_renewals_are_used_up_and_come_back_with_the_next_batch() -> None:
    turn = make_turn(LeaseConfig(30, headroom=3, renewals=1), partitions=1, started=monotonic() - 20)
    assert turn.next(0.0)
    turn.renewed(turn.to_renew(), [1], monotonic() - 20)
    assert due(turn) == []
    turn.load([make_delivery(1, partition_id=2)], monotonic() - 20)
    assert due(turn) == [2]


@pytest.mark.parametrize(("started", "at"), [(150.0, 177.0), (50.0, 127.0)], ids=["later", "never earlier"])
def test_a_renewed_lease_moves_the_cancel_point(started: float, at: float) -> None:
    turn = make_turn(LeaseConfig(30, headroom=3, renewals=1), started=100.0)
    turn.renewed(turn.to_renew(), [1, 2, 3], started)
    assert turn.hold(1).deadline.at == at


def test_a_refused_renewal_moves_no_cancel_point_and_takes_what_was_not_started() -> None:
    turn = make_turn(LeaseConfig(30, headroom=3, renewals=2), started=100.0)
    turn.next(0.0)
    assert ids(turn.renewed(turn.to_renew(), [1, 3], 150.0)) == [2]
    assert [turn.hold(key).deadline.at for key in (1, 3)] == [177.0, 177.0]
    assert ids([turn.next(0.0) or make_delivery(0)]) == [3]
    assert turn.next(0.0) is None


def test_a_partition_in_progress_whose_renewal_was_refused_is_lost_and_not_renewed_again() -> None:
    turn = make_turn(LeaseConfig(30, headroom=3, renewals=2), started=monotonic() - 20)
    turn.next(0.0)
    assert turn.renewed(turn.to_renew(), [2, 3], monotonic() - 20) == []
    assert [turn.hold(key).lost for key in (1, 2, 3)] == [True, False, False]
    assert due(turn) == [2, 3]


def test_a_renewal_that_comes_late_changes_nothing_for_the_batch_that_was_read_on() -> None:
    turn = make_turn(LeaseConfig(30, headroom=3, renewals=1), started=monotonic() - 20)
    asked = turn.to_renew()
    while turn.next(0.0):
        pass
    turn.load([make_delivery(1, partition_id=1)], monotonic() - 20)
    before = turn.hold(1).deadline.at
    assert turn.renewed(asked, [], 1e9) == []
    assert (turn.hold(1).lost, turn.hold(1).deadline.at) == (False, before)
    assert due(turn) == [1]


def test_a_lease_is_sure_until_it_runs_out_unless_it_is_lost() -> None:
    turn = make_turn(LeaseConfig(30, headroom=3, renewals=1), started=100.0)
    assert turn.surely_leased(1, 129.9)
    assert not turn.surely_leased(1, 130.0)
    turn.renewed(turn.to_renew(), [1], 150.0)
    assert turn.surely_leased(1, 170.0)
