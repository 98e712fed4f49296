"""Build what is published, twice the same to the byte, with a bill of materials.

    .venv/bin/python scripts/release.py [FOLDER]

Times in the archives are those of the last commit, or SOURCE_DATE_EPOCH. setuptools takes the times, owners
and order of an sdist from the disk, so the sdist is packed again without them. The wheel is built from that
sdist, so that what is tested and what is published have one source.
"""

from __future__ import annotations

import email
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def main(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct"))
    os.environ["SOURCE_DATE_EPOCH"] = str(epoch)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "source"
        for file in files():
            (source / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, source / file)
        build("--sdist", folder, source)
        (packed,) = folder.glob("*.tar.gz")
        sdist = target / packed.name
        sdist.write_bytes(normalised(packed, epoch))
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        build("--wheel", target, folder / packed.name.removesuffix(".tar.gz"))
        (wheel,) = target.glob("*.whl")
        bill(wheel, target / packed.name.replace(".tar.gz", ".cdx.json"))


# What tools leave in a checkout. An sdist has no history that says what belongs to it.
LEFT_BEHIND = re.compile(r"^(?:build|dist|\.(?!ci/)[^/]+|[^/]+\.egg-info)(?:/|$)|__pycache__|\.py[cod]$")


def files() -> list[str]:
    """Return the files that belong to the project."""
    if (ROOT / ".git").exists():
        return git("ls-files").splitlines()
    folders = [Path(folder) / name for folder, _, names in os.walk(ROOT) for name in names]
    every = [path.relative_to(ROOT).as_posix() for path in folders]
    return [file for file in every if not LEFT_BEHIND.search(file)]


def git(*words: str) -> str:
    return subprocess.check_output(["git", *words], cwd=ROOT, text=True).strip()


def build(kind: str, target: Path, source: Path) -> None:
    words = [sys.executable, "-m", "build", "--no-isolation", kind, "--outdir", str(target), str(source)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def normalised(packed: Path, epoch: int) -> bytes:
    """Return the archive with its members in the order of their names, of one time, and of no owner."""
    bare = io.BytesIO()
    with tarfile.open(packed) as old, tarfile.open(fileobj=bare, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = epoch, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    return gzip.compress(bare.getvalue(), mtime=epoch)


def bill(wheel: Path, target: Path) -> None:
    """Write what the package needs to run, as it is installed here, as a CycloneDX bill of materials."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        own = email.message_from_bytes(archive.read(name))
    needs = {f"{own['Name']}=={own['Version']}": list(required(own.get_all("Requires-Dist", [])))}
    waiting = [dist for found in needs.values() for dist in found]
    parts = {}
    while waiting:
        dist = waiting.pop()
        if reference(dist) not in parts:
            parts[reference(dist)] = dist
            needs[reference(dist)] = list(required(dist.requires or []))
            waiting += needs[reference(dist)]
    told = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**component(own), "hashes": [sha256(wheel)]}},
        "components": [component(parts[name].metadata) for name in sorted(parts)],
        "dependencies": [
            {"ref": name, "dependsOn": sorted({reference(dist) for dist in needs[name]})}
            for name in sorted(needs)
        ],
    }
    target.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def required(requirements: Iterable[str]) -> Iterator[Distribution]:
    """Yield the distributions that are needed without any extra."""
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield distribution(requirement.name)


def reference(dist: Distribution) -> str:
    return f"{dist.metadata['Name']}=={dist.version}"


def component(metadata: Any) -> dict[str, Any]:
    name, version = metadata["Name"], metadata["Version"]
    told: dict[str, Any] = {
        "type": "library",
        "bom-ref": f"{name}=={version}",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name.lower().replace('_', '-')}@{version}",
    }
    licence = metadata["License-Expression"]
    return {**told, "licenses": [{"expression": licence}]} if licence else told


def sha256(file: Path) -> dict[str, str]:
    return {"alg": "SHA-256", "content": hashlib.sha256(file.read_bytes()).hexdigest()}


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist")
