"""Fixtures that every room may use: data folder, store on both databases, real CTs."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from playwright.sync_api import Browser, sync_playwright

from triage.store.files import Files
from triage.store.session import Store

# No test of a property may fail because a machine is slow, and each run tries the same examples.
hypothesis.settings.register_profile(
    "fixed",
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("fixed")

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count the checks that could not run, by reason, in the last lines."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if reasons:
        terminalreporter.section(f"could not run: {sum(reasons.values())}")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count:4d}  {reason}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a check that did not run is a failure: nothing lands on a check left out."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and exitstatus == 0 and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _reason(report: pytest.TestReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return str(text).removeprefix("Skipped: ")


def find_shared_data() -> Path | None:
    """Folder of the real CTs, when this machine has it."""
    named = os.environ.get("TRIAGE_SHARED_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    return folder if (folder / "truth.json").exists() else None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real CTs with truth; CI must have them."""
    folder = find_shared_data()
    if folder is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have the real CTs: set TRIAGE_SHARED_DATA")
        pytest.skip("real CTs are not on this machine (TRIAGE_SHARED_DATA)")
    return folder


class PostgresCluster:
    """A PostgreSQL cluster of our own, in a temporary folder, on a socket of its own."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._programs = programs
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name

    def _run(self, *command: str) -> None:
        # The server refuses to run as root; it then runs as the package's own user.
        prefix = ["runuser", "-u", self._user, "--"] if os.geteuid() == 0 else []
        subprocess.run([*prefix, *command], check=True, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        """Make the cluster and wait until it answers."""
        data = self.folder / "data"
        data.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.folder, self._user)
            shutil.chown(data, self._user)
        self._run(
            str(self._programs / "initdb"), "-D", str(data), "-A", "trust", "-E", "UTF8",
            "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        # No test cuts this cluster's power; what must survive that is tested on files and SQLite.
        options = (
            f"-c listen_addresses='' -c unix_socket_directories={self.folder} "
            "-c fsync=off -c full_page_writes=off"
        )
        self._run(
            str(self._programs / "pg_ctl"), "-D", str(data), "-o", options, "-w",
            "-l", str(self.folder / "log"), "start",
        )  # fmt: skip

    def stop(self) -> None:
        """Stop at once; nothing in it is kept."""
        data = str(self.folder / "data")
        self._run(str(self._programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")

    def new_database(self, template: str = "template0") -> str:
        """SQLAlchemy URL of a fresh database: empty, or a copy of another one."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self._run(str(self._programs / "createdb"), "-h", str(self.folder), "-T", template, name)
        return f"postgresql+psycopg://{self._user}@/{name}?host={self.folder}"


def _postgres_programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresCluster]:
    """A running cluster for the whole test run."""
    programs = _postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="triage-pg-", dir="/tmp"))
    folder.chmod(0o755)
    cluster = PostgresCluster(folder, programs)
    cluster.start()
    yield cluster
    cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database, once per kind: for contract tests of store and engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'triage.sqlite'}"
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    return cluster.new_database()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with its schema, made once; tests get copies."""
    path = tmp_path_factory.mktemp("template") / "triage.sqlite"
    _with_schema(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresCluster) -> str:
    """Name of a database with its schema, made once; tests get copies."""
    url = postgres.new_database()
    _with_schema(url)
    return url.partition("@/")[2].partition("?")[0]


def _with_schema(url: str) -> None:
    made = Store(url)
    made.upgrade()
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store with its schema, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        opened = _copy_of(request.getfixturevalue("sqlite_template"), tmp_path)
    else:
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        opened = Store(cluster.new_database(request.getfixturevalue("postgres_template")))
    yield opened
    opened.close()


@pytest.fixture
def store(sqlite_template: Path, tmp_path: Path) -> Iterator[Store]:
    """A store with its schema on SQLite, where the kind of database does not matter."""
    opened = _copy_of(sqlite_template, tmp_path)
    yield opened
    opened.close()


def _copy_of(template: Path, folder: Path) -> Store:
    path = folder / "triage.sqlite"
    shutil.copyfile(template, path)
    return Store(f"sqlite:///{path}")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """An empty file store."""
    return Files(tmp_path / "objects")


CHROMIUM = Path("/usr/bin/chromium")
# The flags that keep Chromium off the closed network and out of root's way.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; one for the whole run, since Playwright allows one at a time."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed (make test installs it as root)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(CHROMIUM), headless=True, args=CHROMIUM_FLAGS
        )
        yield started
        started.close()
