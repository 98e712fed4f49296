"""A run, as it is printed and as it is kept."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.peers.listing import listing
from benchmarks.report import picture, text
from benchmarks.report.claim import Checked
from benchmarks.report.figures import Figures
from benchmarks.rounds import Results


@dataclass(frozen=True)
class Outcome:
    """Everything that a run found."""

    settings: dict[str, object]
    results: Results
    failures: dict[str, str]
    """What jobs that failed said, by key."""
    figures: Figures
    checked: list[Checked]
    fraction: int
    """The messages were divided by it."""

    def to_text(self) -> str:
        """Return settings, figures, failures and, last, the table of targets; it is Markdown as well."""
        parts = [f"```text\n{text.settings(self.settings)}\n```", text.rates(self.figures)]
        parts.append(text.latencies(self.figures))
        if any("/peer " in key for key in self.results):
            parts.append(f"The other libraries are set as their documentation advises:\n\n{listing()}")
        parts += [f"FAILED: {key}\n\n```text\n{said}\n```" for key, said in self.failures.items()]
        parts.append(text.targets(self.checked))
        if self.fraction > 1:
            share = f"1/{self.fraction} of the messages"
            parts.append(f"With {share}, start-up and noise are most of what was measured.")
        return "\n\n".join(filter(None, parts))

    def save(self, folder: Path, *, drawing: bool) -> None:
        """Write text, every repetition as JSON, and the picture."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bench.md").write_text(self.to_text() + "\n")
        (folder / "bench.json").write_text(json.dumps(self._document(), indent=1))
        if drawing:
            picture.draw(self.figures, folder / "bench.png")

    def _document(self) -> dict[str, object]:
        return {
            "settings": self.settings,
            "results": {key: [asdict(run) for run in runs] for key, runs in self.results.items()},
            "targets": [item.to_json() for item in self.checked],
            "failures": self.failures,
        }
