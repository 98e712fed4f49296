"""What is built is complete, and works where no checkout is at hand."""

import configparser
import email
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import outbox
from tests.structure.wheelhouse import link_requirements

ROOT = Path(__file__).parents[2]
SHIPPED = (
    "outbox",
    "sql",
    "setup.cfg",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "MANIFEST.in",
)

MIGRATE_AND_DELIVER = """
import sys
import outbox, outbox.testing
assert "site-packages" in outbox.__file__, outbox.__file__
url = "sqlite:///" + sys.argv[1]
outbox.migrate(url)
builder = outbox.Outbox.builder(url).queue("orders", 4).leased(lambda msg: print(msg.json()))
with builder.open() as producer:
    producer.enqueue_now("orders", "delivered")
outbox.testing.drain(builder)
"""


def packages_on_disk() -> set[str]:
    modules = {
        ".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "outbox").rglob("__init__.py")
    }
    return modules | {"outbox.sql"}


def sql_files() -> set[str]:
    return {path.relative_to(ROOT / "sql").as_posix() for path in (ROOT / "sql").rglob("*.sql")}


def requirements(built: Path) -> list[str]:
    """Return what the built wheel says that it needs."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(metadata)).get_all("Requires-Dist", [])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the sdist, and the wheel that was built from the sdist."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    source.mkdir()
    # A copy, so that no stale build folder takes part and none is left behind.
    for name in SHIPPED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source))
    return folder


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_package_list_equals_the_packages_on_disk() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert set(config["options"]["packages"].split()) == packages_on_disk()


def test_the_wheel_carries_the_sql_and_the_typing_mark(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {
        name.removeprefix("outbox/sql/") for name in names if name.startswith("outbox/sql/")
    } == sql_files()
    assert "outbox/py.typed" in names
    assert not {name for name in names if not name.startswith(("outbox/", "outbox_pipeline-"))}


def test_the_sdist_carries_the_sql_and_the_licence(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {name.removeprefix("sql/") for name in names if name.endswith(".sql")} == sql_files()
    assert {"LICENSE", "README.md", "setup.cfg", "pyproject.toml", "outbox/py.typed"} <= names


@pytest.mark.mp
@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"], ids=["wheel", "sdist"])
def test_what_is_installed_elsewhere_delivers_a_message(built: Path, tmp_path: Path, kind: str) -> None:
    (artifact,) = built.glob(kind)
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    (site,) = home.glob("lib/python*/site-packages")
    link_requirements(site, requirements(built))
    pip = (
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
    )
    run(*pip, "--target", str(site), str(artifact))
    python = str(home / "bin" / "python")
    assert run(python, "-c", MIGRATE_AND_DELIVER, str(tmp_path / "shop.db")) == "delivered\n"


def test_the_version_that_is_built_is_the_one_that_the_package_says(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    assert wheel.name.split("-")[1] == outbox.__version__
