"""The fixtures of the suite.

For test authors:

``backend``
    The backend's name. Any test that uses it, or a fixture below, runs once per selected backend: ``sqlite``,
    ``postgresql``, ``mysql``, ``mariadb``. The id shows it, and ``-m mysql`` runs one of them. To write a test for
    some backends only: ``@pytest.mark.backends("postgresql", "mysql")``.
``database``
    A new `Database` without any table: ``.url`` (for the library), ``.sqlalchemy_url``, ``.connect(autocommit=False)`` (a
    raw psycopg, mysql.connector or sqlite3 connection), ``.engine(**options)``, and to look inside, each on a new
    autocommit connection: ``.query(sql, *parameters)``, ``.execute(sql, *parameters)``, ``.value(...)``,
    ``.count(table)`` (parameters are written ``?`` on every backend); ``with .session() as s:`` for several looks on one
    connection. What it handed out is closed after the test.
``migrated``
    The same with the outbox's tables, all empty. It may have served another test: ids do not start at 1. A test may
    create tables of its own in it; they go away.
``private_server``
    A `PrivateServer` that the test may ``.stop()``, ``.kill()``, ``.start()``, ``.restart()``; ``.new_database()`` gives a
    migrated `Database` there. Not for sqlite: use the mark ``backends``.
``spawn``
    ``spawn(function_or_script, *arguments)`` starts a Python child process and returns a `Child`: ``.wait_for_line(regex)``,
    ``.kill()`` (SIGKILL), ``.interrupt()``, ``.terminate()``, ``.wait()``, ``.succeed()``, ``.output``, ``.errors``. The function must
    be at the top level of its module. ``spawn.command(*words)`` starts any program.

``from tests.support import eventually``: ``eventually(predicate, timeout=10)`` waits for a fact and returns it.
After each test no thread named ``outbox-…`` may be alive. A test that waits for the end of a killed child goes on only when the servers have ended its sessions.
Marks: ``mp`` (starts processes), ``slow`` (over five seconds).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.servers.fleet import Fleet
from tests.servers.selection import BACKENDS, URL_VARIABLES, SelectionError, selected_backends
from tests.support import Database, PrivateServer, Spawn
from tests.support.databases import Provider, SqliteProvider, new_provider
from tests.support.threads import assert_no_library_threads

_FLEET = pytest.StashKey[Fleet]()


def pytest_configure(config: pytest.Config) -> None:
    # A shell that runs this in the background ignores it for all children, and some tests interrupt theirs.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in BACKENDS:
        config.addinivalue_line("markers", f"{name}: runs on {name} (set for every test that uses a backend)")
    try:
        selected_backends()
    except SelectionError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[_FLEET] = Fleet()
    config.add_cleanup(config.stash[_FLEET].close)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker("backends")
    wanted = mark.args if mark else BACKENDS
    assert set(wanted) <= set(BACKENDS), f"unknown backend in {mark}"
    chosen = [
        pytest.param(name, marks=getattr(pytest.mark, name)) for name in selected_backends() if name in wanted
    ]
    metafunc.parametrize("backend", chosen)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for backends alone that are switched off: it is not skipped, it is not there."""
    off = [item for item in items if not isinstance(backend_of(item), (str, type(None)))]
    if off:
        config.hook.pytest_deselected(items=off)
        gone = set(off)
        items[:] = [item for item in items if item not in gone]


def backend_of(item: pytest.Item) -> object:
    """Return the parameter of a test, None where it has none; pytest gives a mark of its own for an empty choice."""
    callspec = getattr(item, "callspec", None)
    return None if callspec is None else callspec.params.get("backend")


def pytest_collection_finish(session: pytest.Session) -> None:
    """End the run at once when a backend that its tests need cannot be had."""
    needed = {name for item in session.items for name in BACKENDS if item.get_closest_marker(name)}
    if missing := [sentence for name in sorted(needed) if (sentence := Fleet.missing(name))]:
        pytest.exit("\n".join(missing), returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Start the servers before the first worker of a distributed run, which finds their URLs in its environment."""
    fleet: Fleet = node.config.stash[_FLEET]  # type: ignore[attr-defined]
    available = [name for name in selected_backends() if not Fleet.missing(name)]
    for name, url in fleet.start(*available).items():
        os.environ[URL_VARIABLES[name]] = url


@pytest.fixture(scope="session")
def fleet(pytestconfig: pytest.Config) -> Fleet:
    return pytestconfig.stash[_FLEET]


@pytest.fixture(scope="session")
def providers(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Provider]]:
    made: dict[str, Provider] = {"sqlite": SqliteProvider(tmp_path_factory.mktemp("databases"))}
    yield made
    for provider in made.values():
        provider.close()


@pytest.fixture
def provider(backend: str, providers: dict[str, Provider], fleet: Fleet) -> Provider:
    if backend not in providers:
        providers[backend] = new_provider(fleet.shared(backend))
    return providers[backend]


@pytest.fixture
def database(provider: Provider) -> Iterator[Database]:
    database = provider.empty()
    yield database
    provider.drop(database)


@pytest.fixture
def migrated(provider: Provider) -> Iterator[Database]:
    database = provider.migrated()
    yield database
    provider.recycle(database)


@pytest.fixture
def private_server(backend: str, fleet: Fleet) -> Iterator[PrivateServer]:
    if backend == "sqlite":
        pytest.fail("sqlite has no server: mark the test with backends('postgresql', 'mysql', 'mariadb')")
    server = fleet.private(backend)
    private = PrivateServer(server, new_provider(server))
    yield private
    private.close()


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    spawn = Spawn()
    yield spawn
    spawn.close()


@pytest.fixture(autouse=True)
def _no_thread_outlives_its_test() -> Iterator[None]:
    yield
    assert_no_library_threads()
