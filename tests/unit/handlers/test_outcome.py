from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from outbox.handlers.outcome import Failed, Outcome, insert_missing

FAILURE = Failed("busy")


def test_nothing_missing_changes_nothing() -> None:
    outcome = Outcome(2, ((0, "bad"),), FAILURE)
    assert insert_missing(outcome, {}, 5) is outcome


def test_missing_messages_within_and_right_after_the_finished_prefix_are_rejected() -> None:
    # Seen were the positions 0, 2 and 5 of 6; the handler finished 0 and 2, and rejected 2.
    outcome = insert_missing(Outcome(2, ((1, "bad"),), FAILURE), {1: "gone", 3: "gone", 4: "gone"}, 6)
    assert outcome == Outcome(5, ((1, "gone"), (2, "bad"), (3, "gone"), (4, "gone")), FAILURE)


def test_a_missing_message_behind_the_culprit_waits() -> None:
    assert insert_missing(Outcome(0, (), FAILURE), {1: "gone"}, 3) == Outcome(0, (), FAILURE)


def test_a_missing_head_is_rejected_even_if_the_next_one_fails() -> None:
    assert insert_missing(Outcome(0, (), FAILURE), {0: "gone"}, 2) == Outcome(1, ((0, "gone"),), FAILURE)


def test_a_batch_of_nothing_but_missing_messages_is_finished() -> None:
    assert insert_missing(Outcome(0), {0: "a", 1: "b"}, 2) == Outcome(2, ((0, "a"), (1, "b")))


@given(st.integers(1, 12), st.data())
def test_every_position_of_the_prefix_is_finished_once(total: int, data: st.DataObject) -> None:
    missing = dict.fromkeys(data.draw(st.sets(st.integers(0, total - 1))), "gone")
    seen = [position for position in range(total) if position not in missing]
    processed = data.draw(st.integers(0, len(seen)))
    bad = data.draw(st.sets(st.integers(0, processed - 1))) if processed else set()
    outcome = insert_missing(Outcome(processed, tuple((n, "bad") for n in sorted(bad))), missing, total)
    assert [position for position in seen if position < outcome.processed] == seen[:processed]
    positions = [position for position, _ in outcome.rejected]
    assert positions == sorted(set(positions))
    assert set(positions) == {seen[n] for n in bad} | {n for n in missing if n < outcome.processed}
    assert outcome.processed == total or outcome.processed in seen
