"""Give a virtual environment what a package declares that it needs, without a network."""

from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement


def link_requirements(site: Path, requirements: Iterable[str]) -> None:
    """Link the declared requirements, and theirs in turn, from this environment: these and nothing else."""
    for dist in _closure(requirements).values():
        for entry in _entries(dist):
            if not (site / entry.name).exists():
                (site / entry.name).symlink_to(entry)


def _closure(requirements: Iterable[str]) -> dict[str, Distribution]:
    found: dict[str, Distribution] = {}
    waiting = list(requirements)
    while waiting:
        requirement = Requirement(waiting.pop())
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if wanted and requirement.name not in found:
            found[requirement.name] = distribution(requirement.name)
            waiting.extend(found[requirement.name].requires or [])
    return found


def _entries(dist: Distribution) -> set[Path]:
    """Return the files and folders at the top of site-packages that belong to the distribution."""
    tops = {file.parts[0] for file in dist.files or () if file.parts[0] not in {"..", "__pycache__"}}
    return {Path(str(dist.locate_file(top))) for top in tops}
