"""Two processes that replay at once."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from outbox import DeadLetterScope, Outbox
from tests.acceptance.dead_letters.office import Office
from tests.support import Spawn


def replay_all(url: str, marker: str) -> None:
    """Claim portions until none is left, having waited for the start."""
    with Outbox.builder(url).open() as outbox:
        print("ready", flush=True)
        while not Path(marker).exists():
            pass
        claimed: list[int] = []
        while letters := outbox.dead_letters.replay(DeadLetterScope(limit=7)):
            claimed += [letter.id for letter in letters]
            assert outbox.dead_letters.resolve(letters) == len(letters)
        print("claimed", json.dumps(claimed), flush=True)
    sys.exit(0)


@pytest.mark.mp
def test_two_replayers_never_get_the_same_letter_and_miss_none(
    office: Office, spawn: Spawn, tmp_path: Path
) -> None:
    office.put(b"x")
    assert office.put_many(8) == 256
    marker = tmp_path / "go"
    children = [spawn(replay_all, office.database.url, str(marker)) for _ in range(2)]
    for child in children:
        child.wait_for_line("ready")
    marker.touch()
    shares = [json.loads(child.wait_for_line(r"claimed (.*)", 60)[1]) for child in children]
    assert [child.wait() for child in children] == [0, 0]
    assert sorted(shares[0] + shares[1]) == list(office.states())
    assert set(office.states().values()) == {"resolved"}
