from __future__ import annotations

from datetime import datetime, timedelta, timezone

from outbox.values.identity import IDS, Identity, base36, identity_of

NOW = datetime(2026, 11, 29, 12, 0, 0, 123456, tzinfo=timezone.utc)


def test_numbers_belong_to_the_epoch_that_gave_them_out() -> None:
    identity = Identity("abc", 3, {2: {7: 10, IDS: 100}, 3: {7: 20, 8: 5, IDS: 200}})
    assert [identity.source(7, seq) for seq in (1, 10, 11, 20, 21)] == [
        "abc-1",
        "abc-1",
        "abc-2",
        "abc-2",
        "abc-3",
    ]
    # A partition that was made in the second epoch.
    assert [identity.source(8, seq) for seq in (5, 6)] == ["abc-2", "abc-3"]
    assert [identity.uid(number, NOW).split("-")[1] for number in (100, 101, 201)] == ["1", "2", "3"]


def test_one_id_at_two_times_makes_two_names() -> None:
    identity = Identity("abc")
    assert identity.uid(7, NOW) == identity.uid(7, NOW)
    assert identity.uid(7, NOW) != identity.uid(7, NOW + timedelta(microseconds=1))


def test_an_identity_is_made_of_a_source() -> None:
    assert identity_of("abc-3").source(1, 1) == "abc-3"


def test_numbers_are_written_with_36_digits() -> None:
    assert [base36(number) for number in (0, 35, 36, 36**3 + 1)] == ["0", "z", "10", "1001"]
