"""What a consumer may see of a sequence of messages when something failed on the way."""

from __future__ import annotations

from collections.abc import Iterable

from tests.contrib.relays.places import Arrival


def steps_back(numbers: Iterable[int]) -> int:
    """Check that numbers only repeat from an earlier one on, and return how often they do.

    No number may be skipped: after 1 2 3 comes 4, or any of 1, 2 and 3 and what followed it.
    """
    highest = last = back = 0
    for number in numbers:
        assert number <= highest + 1, f"{number} overtook {highest + 1}"
        if number <= last:
            back += 1
        else:
            assert number == last + 1, f"{number} came right after {last}"
        last, highest = number, max(highest, number)
    return back


def check_history(arrivals: Iterable[Arrival], *, messages: int, keys: int, faults: int) -> None:
    """Check that each key's messages are all there, in order, repeated at most once for each fault.

    The bodies are ``key:number``; every key's numbers count from 1.
    """
    seen: dict[str, list[int]] = {}
    for arrival in arrivals:
        key, _, number = arrival.body.decode().partition(":")
        seen.setdefault(key, []).append(int(number))
    assert len(seen) == keys
    for key, numbers in seen.items():
        assert max(numbers) == messages // keys, key
        assert steps_back(numbers) <= faults, (key, numbers)
