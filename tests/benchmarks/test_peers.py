"""The adapters of other libraries, as far as they can be tried without those libraries."""

from __future__ import annotations

import configparser
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from benchmarks import plan
from benchmarks.peers.catalogue import CATALOGUE, adapter, missing
from benchmarks.peers.peer import Setting
from benchmarks.peers.run import measure
from benchmarks.peers.tally import NotDeliveredOnce, Tally

ROOT = Path(__file__).parents[2]


class MemoryPeer:
    """A queue that is a list; ``fault`` says whether it loses, repeats or leaves its first message."""

    distribution: ClassVar[str] = "outbox-pipeline"
    settings: ClassVar[Mapping[str, Setting]] = {}

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.queue: list[bytes] = []
        self.batches: list[int] = []

    def prepare(self) -> None:
        self.queue.clear()

    def connect(self) -> None: ...

    def enqueue(self, payloads: Sequence[bytes], batch: int) -> None:
        self.queue += payloads
        self.batches.append(batch)

    def close(self) -> None: ...

    def drain(self, tally: Tally) -> None:
        first, *others = self.queue
        for payload in [*{"lose": [], "repeat": [first, first]}.get(self.fault, [first]), *others]:
            tally.add(payload)
        self.queue = [first] if self.fault == "leave" else []

    def pending(self) -> int:
        return len(self.queue)


def bench_extra() -> list[str]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser["options.extras_require"]["bench"].split("\n")


def test_a_peer_is_measured_in_batches_then_drained_then_one_by_one() -> None:
    peer = MemoryPeer()
    phases = list(measure(peer, "sqlite://", 40))
    assert [(phase.name, phase.messages) for phase in phases] == [
        ("enqueue_batch", 40),
        ("drain", 40),
        ("enqueue_single", 4),
    ]
    assert peer.batches == [100, 1]
    assert phases[1].seconds > 0
    assert phases[1].extra["settling_seconds"] > 0


@pytest.mark.parametrize("fault", ["lose", "repeat", "leave"])
def test_a_peer_that_loses_repeats_or_keeps_a_message_has_no_figures(fault: str) -> None:
    phases = measure(MemoryPeer(fault), "sqlite://", 40)
    assert next(phases).name == "enqueue_batch"
    with pytest.raises(NotDeliveredOnce):
        next(phases)


def test_the_tally_is_complete_at_the_last_message_expected() -> None:
    calls: list[str] = []
    tally = Tally(2, lambda: calls.append("complete"))
    assert not tally.add(b"a")
    assert calls == []
    assert tally.add("b")
    assert calls == ["complete"]
    tally.check([b"a", b"b"])


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_adapter_says_what_it_sets_and_why_without_its_library(name: str) -> None:
    settings = adapter(name).settings
    assert settings
    for setting in settings.values():
        assert setting.why
        assert setting.see.startswith("https://")


@pytest.mark.mp
def test_the_list_of_settings_names_every_peer() -> None:
    command = [sys.executable, "-m", "benchmarks.peers"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    named = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("- ")]
    assert named == [adapter(name).distribution for name in CATALOGUE]


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_extra_pins_the_version_that_an_adapter_was_written_for(name: str) -> None:
    distribution = adapter(name).distribution
    pinned = [line for line in bench_extra() if line.replace("[asyncpg]", "").startswith(f"{distribution}==")]
    assert len(pinned) == 1


def test_a_peer_is_planned_or_named_as_missing() -> None:
    planned = {(job.backend, job.name) for job in plan.peers()}
    absent = [name for name in CATALOGUE if missing(name)]
    assert planned == {
        (entry.backend, f"peer {name}") for name, entry in CATALOGUE.items() if name not in absent
    }
    assert [said.split()[0] for said in plan.missing_peers()] == absent
