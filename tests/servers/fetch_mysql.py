"""Fetch a real MySQL server and the libraries it needs, without touching the system.

Debian 12 has no MySQL, but Debian's unstable suite has. apt downloads it from the mirror that this machine is
configured with, using lists, a cache and an (empty) package database of its own; the packages are unpacked into a
folder and run from there, through the loader of the C library unpacked beside them.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.servers.binaries import mysql_root, unpacked_mysql
from tests.servers.cache import make_public


class FetchFailed(RuntimeError):
    """MySQL could not be had; the message says why."""


_KEYRINGS = "/usr/share/keyrings/{distribution}-archive-keyring.{suffix}"


class _Archive(NamedTuple):
    site: str
    suite: str
    component: str


def fetch_mysql() -> Path:
    """Download and unpack MySQL into the cache and return the folder; about 60 MB."""
    destination = mysql_root()
    make_public(destination.parent)
    with tempfile.TemporaryDirectory(prefix="mysql-", dir=destination.parent) as work:
        unpacked = Path(work) / "root"
        sources, packages = _recipe()
        print(f"Fetching MySQL (about 60 MB) into {destination}, from: {'; '.join(sources)}", flush=True)
        _download(Path(work), sources, packages)
        _unpack(Path(work), unpacked)
        _check(unpacked)
        shutil.rmtree(destination, ignore_errors=True)
        unpacked.rename(destination)
    return destination


def _recipe() -> tuple[list[str], list[str]]:
    """Return the sources where this distribution keeps MySQL, and the names the package may have."""
    release = platform.freedesktop_os_release()
    codename, distribution = release.get("VERSION_CODENAME", ""), release["ID"]
    archives = _configured_archives()
    if distribution == "ubuntu":
        own = [archive for archive in archives if archive.suite.startswith(codename)]
        packages = ["mysql-server-core", "mysql-server-core-8.4", "mysql-server-core-8.0"]
    else:
        suites = {codename, "oldstable", "stable", "testing", "unstable", "sid"}
        mains = [archive for archive in archives if archive.suite in suites and archive.component == "main"]
        own = [archive._replace(suite="unstable") for archive in mains[:1]]
        packages = ["mysql-server-core"]
    return [_source(archive, distribution) for archive in own], packages


def _configured_archives() -> list[_Archive]:
    if not shutil.which("apt-get"):
        raise FetchFailed("MySQL is fetched with apt-get, which this machine does not have.")
    layout = "$(SITE)|$(RELEASE)|$(COMPONENT)"
    command = ["apt-get", "indextargets", "--format", layout, "Created-By: Packages"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    return list(dict.fromkeys(_Archive(*line.split("|")) for line in lines if line.count("|") == 2))


def _source(archive: _Archive, distribution: str) -> str:
    names = [_KEYRINGS.format(distribution=distribution, suffix=suffix) for suffix in ("gpg", "pgp")]
    keyring = next((f"[signed-by={name}] " for name in names if Path(name).exists()), "")
    return f"deb {keyring}{archive.site} {archive.suite} {archive.component}"


def _download(work: Path, sources: list[str], packages: list[str]) -> None:
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    (work / "sources.list").write_text("\n".join(sources) + "\n")
    (work / "status").touch()  # nothing is installed, so every dependency is fetched
    if not sources or _apt(work, "apt-get", "update"):
        raise FetchFailed(
            "MySQL could not be fetched: the distribution's archive has no suite that carries it."
        )
    known = [name for name in packages if not _apt(work, "apt-cache", "show", name)]
    if not known:
        raise FetchFailed(f"MySQL could not be fetched: there is no package {' or '.join(packages)}.")
    if _apt(work, "apt-get", "install", "--yes", "--download-only", known[0]):
        raise FetchFailed(f"MySQL could not be fetched: apt-get could not download {known[0]}.")


def _apt(work: Path, program: str, *words: str) -> int:
    settings = {
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State": work,
        "Dir::State::lists": work / "lists",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "Acquire::Languages": "none",
        "Acquire::Check-Valid-Until": "false",  # a frozen mirror's unstable is signed, but out of date
        "APT::Default-Release": "",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",  # the folder is ours, the account _apt could not write into it
        "Debug::NoLocking": "true",
        "APT::Update::Error-Mode": "any",
    }
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    command = [program, "-qq", *options, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode and program == "apt-get":
        print(done.stderr, flush=True)
    return done.returncode


def _unpack(work: Path, root: Path) -> None:
    root.mkdir()
    root.chmod(0o755)
    for package in sorted((work / "cache/archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", str(package), str(root)], check=True)


def _check(root: Path) -> None:
    programs = unpacked_mysql(root)
    if programs is None:
        raise FetchFailed("MySQL was fetched, but the packages contain no mysqld.")
    command = [*programs.command, "--no-defaults", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FetchFailed(f"MySQL was fetched, but does not run here: {done.stderr.strip()}")
    print(done.stdout.split("Ver", 1)[-1].strip(), flush=True)
