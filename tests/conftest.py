"""Fixtures of all tests: a clean environment, one PostgreSQL for the session, a MariaDB where one is installed.

No data are here: each test makes its own (helpers: tests/support).
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

from pipelines.runtime.embedded import EmbeddedServer, Urls
from tests.support.http_server import Server
from tests.support.servers import MariaDB, fresh_name, short_folder
from tests.support.smtp_server import SmtpServer
from tests.support.templates import Templates

# The speed of an example depends on what else the machine does. All examples of a test share its fixtures, and each
# example cleans up after itself.
_ALLOWED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("gudang", deadline=None, suppress_health_check=_ALLOWED)
settings.load_profile("gudang")

# Collecting the tests makes 800,000 objects that live until the end. The garbage collector would look at all of them
# many times. Without it, collecting takes half the time.
gc.disable()

LONGEST = ("test_nightly.py", "test_killed_night.py", "test_ui.py", "test_dbt_parity.py")
"""Files that take minutes. They run first, so that the workers end at about the same time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees, or writes to, the installation of whoever runs it."""
    for name in [name for name in os.environ if name.startswith(("GUDANG_", "DAGSTER_"))]:
        if not name.startswith("GUDANG_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    """A real mail server."""
    made = SmtpServer()
    yield made
    made.stop()


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A real web server, which no proxy of the environment stands before."""
    monkeypatch.setenv("NO_PROXY", "*")
    made = Server()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def server_urls() -> Iterator[Urls]:
    """The session's PostgreSQL: an embedded server in memory, without the settings that protect data in a power cut."""
    with short_folder() as folder:
        server = EmbeddedServer(folder / "home")
        urls = server.ensure()
        with psycopg.connect(urls.libpq("postgres"), autocommit=True) as admin:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                admin.execute(sql.SQL("alter system set {} = off").format(sql.Identifier(setting)))
            admin.execute("alter system set max_wal_size = '256MB'")  # the log is in memory, too
            admin.execute("select pg_reload_conf()")
        yield urls
        server.stop()


@pytest.fixture(scope="session")
def templates(server_urls: Urls) -> Templates:
    """Makes databases on the session's server."""
    return Templates(server_urls)


@pytest.fixture
def pg_url(templates: Templates) -> Iterator[str]:
    """Libpq URI of an empty database of the test's own."""
    with templates.database() as url:
        yield url


@pytest.fixture(scope="module")
def module_pg_url(templates: Templates) -> Iterator[str]:
    """Libpq URI of an empty database that one module's tests share."""
    with templates.database() as url:
        yield url


@pytest.fixture
def warehouse_url(templates: Templates) -> Iterator[str]:
    """Libpq URI of a prepared warehouse of the test's own, without data."""
    with templates.database(templates.prepared) as url:
        yield url


@pytest.fixture(scope="module")
def module_warehouse_url(templates: Templates) -> Iterator[str]:
    """Libpq URI of a prepared warehouse, without data, that one module's tests share."""
    with templates.database(templates.prepared) as url:
        yield url


@pytest.fixture
def reference_url(templates: Templates) -> Iterator[str]:
    """Libpq URI of a warehouse of the test's own with the province's reference data."""
    with templates.database(templates.reference) as url:
        yield url


@pytest.fixture(scope="module")
def module_reference_url(templates: Templates) -> Iterator[str]:
    """Libpq URI of a warehouse with the province's reference data that one module's tests share."""
    with templates.database(templates.reference) as url:
        yield url


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """The session's MariaDB: GUDANG_TEST_MARIADB_URL, else one that is started from the installed mariadbd."""
    url = os.environ.get("GUDANG_TEST_MARIADB_URL")
    if url:
        yield MariaDB(url)
        return
    missing = MariaDB.missing()
    if missing and os.environ.get("CI"):
        pytest.fail(f"in CI the MariaDB tests must run: {missing}", pytrace=False)
    if missing:
        pytest.skip(f"{missing}; or set GUDANG_TEST_MARIADB_URL=mysql+pymysql://user:password@host:port/")
    with short_folder() as folder, MariaDB.start(folder) as server:
        yield server


@pytest.fixture
def mariadb_url(mariadb: MariaDB) -> Iterator[str]:
    """SQLAlchemy URL (mysql+pymysql://...) of an empty MariaDB database of the test's own."""
    with mariadb.database(fresh_name()) as url:
        yield url
