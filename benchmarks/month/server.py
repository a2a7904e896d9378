"""The set-up of a server: PostgreSQL, the code server, the daemon, the webserver, and the sources of OPD.

What belongs here: starting the processes as deploy/systemd/ does, starting them again, finding and ending them, and
asking the databases. Not here: when something is ended (faults.py), what is measured (measure.py).
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from benchmarks.month import files
from benchmarks.month.clock import Clock
from demo.databases import put_table
from demo.health import kunjungan, puskesmas
from demo.variables import database_urls
from pipelines.contracts.files import contract_paths, read_contract
from pipelines.models.project.sources import render_sources
from pipelines.runtime.embedded import EmbeddedServer
from pipelines.runtime.socket_folder import make_socket_folder
from pipelines.settings import PROJECT_ROOT
from tests.support.part_of_project import copy_part
from tests.support.servers import MariaDB, free_port

OWN_DATASETS = ("dinkes/kunjungan", "dinkes/puskesmas", "dlh/ispu")
"""Two tables of a database, of which one is read by day, and an API."""
SERVICES = {
    "code": "code-server",
    "daemon": "dagster-daemon",
    "webserver": "pipelines.runs.webserver",
}
"""Service -> a word in the command line of its process."""
_RESTART_S = 1.0
_KEEP = {"EVENTS": 7, "CHECKS": 7, "LOADS": 7, "QUARANTINE": 7, "UPLOADS": 7}
"""Days that things are kept. They are fewer than by default, so that a month shows what is deleted."""


class Server:
    """One installation whose processes all have the clock `clock`."""

    def __init__(self, folder: Path, clock: Clock, mariadb: str | None) -> None:
        self.folder, self.clock = folder, clock
        self.home, self.project = folder / "home", folder / "proyek"
        self.postgres = EmbeddedServer(self.home)
        self.port, self.api_port = free_port(), free_port()
        self.mariadb = mariadb
        self._ending = threading.Event()
        self._watchers: list[threading.Thread] = []
        self.restarts: dict[str, int] = {}
        self.extra: list[subprocess.Popen[bytes]] = []
        """Servers that a fault's end has started; they end with us."""
        self._workspace = folder / "workspace.yaml"
        self._socket = folder / "code.sock"

    @property
    def zone(self) -> Path:
        """The upload zone."""
        return self.home / "unggahan"

    @property
    def env(self) -> dict[str, str]:
        """The variables of the services."""
        urls = self.postgres.urls
        own = {
            "GUDANG_HOME": str(self.home),
            "GUDANG_PROJECT": str(self.project),
            "GUDANG_WAREHOUSE_URL": urls.warehouse,
            "GUDANG_DAGSTER_URL": urls.dagster,
            "GUDANG_PSEUDONYM_KEY": "k" * 64,
            "PYTHONPATH": str(PROJECT_ROOT),
            **{f"GUDANG_KEEP_{name}": str(days) for name, days in _KEEP.items()},
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GUDANG_", "DAGSTER_"))}
        return kept | own | self.clock.environment

    def make(self) -> None:
        """Makes project, databases and sources."""
        copy_part(self.project, OWN_DATASETS)
        files.write_contracts(self.project / "contracts")
        files.write_models(self.project / "dbt_like_sql" / "models")
        read = [read_contract(path)[0] for path in contract_paths(self.project / "contracts")]
        sources = render_sources([contract for contract in read if contract])
        (self.project / "dbt_like_sql/models/sources.yml").write_text(sources, "utf-8")
        text = (PROJECT_ROOT / "deploy/workspace.yaml").read_text("utf-8")
        self._workspace.write_text(text.replace("/run/gudang/code.sock", str(self._socket)), "utf-8")
        self.postgres.ensure()
        self.postgres.stop()
        self.start_postgres()
        _seed(self.mariadb or self.postgres.urls.libpq("postgres"))

    def _sources(self) -> dict[str, str]:
        place = ("--mysql-url", self.mariadb)
        if not self.mariadb:
            place = ("--database-url", self.postgres.urls.libpq("postgres"))
        command = [sys.executable, "-m", "demo", "env", *place, "--api-port", str(self.api_port)]
        done = subprocess.run(command, cwd=PROJECT_ROOT, check=True, capture_output=True, text=True)
        return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)

    def start(self) -> None:
        """Starts the services, and waits until they answer."""
        env = self.env | self._sources()
        gudang = [sys.executable, "-m", "pipelines.cli.main"]
        workspace = ["-w", str(self._workspace)]
        web = ["python", "-m", "pipelines.runs.webserver", *workspace, "-h", "127.0.0.1"]
        web += ["-p", str(self.port)]
        api = [sys.executable, "-m", "demo", "api", "--port", str(self.api_port)]
        subprocess.run([*gudang, "prepare"], cwd=PROJECT_ROOT, env=env, check=True, capture_output=True)
        self._serve("api", api, env, PROJECT_ROOT)
        self._serve("code", [*gudang, "code-server", "--socket", str(self._socket)], env, self.folder)
        self._wait_for_code()
        self._serve("daemon", [*gudang, "run", "dagster-daemon", "run", *workspace], env, self.folder)
        self._serve("webserver", [*gudang, "run", *web], env, self.folder)
        self._wait_for_web()

    def _serve(self, name: str, command: list[str], env: dict[str, str], place: Path) -> None:
        """Runs a service, and starts it again when it ends, as systemd does."""
        log = (self.folder / f"{name}.log").open("ab")

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                command, cwd=place, env=env, stdout=log, stderr=log, start_new_session=True
            )

        def watch() -> None:
            process = start()
            while not self._ending.is_set():
                try:
                    process.wait(0.5)
                except subprocess.TimeoutExpired:
                    continue
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # systemd ends the whole control group
                self.restarts[name] = self.restarts.get(name, 0) + 1
                time.sleep(_RESTART_S)
                if name == "code":
                    self._socket.unlink(missing_ok=True)
                process = start()
            with suppress(psutil.NoSuchProcess):
                for child in psutil.Process(process.pid).children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        child.terminate()
            process.terminate()
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
            log.close()

        self._watchers.append(threading.Thread(target=watch, name=name))
        self._watchers[-1].start()

    def stop(self) -> None:
        """Ends everything that was started."""
        self._ending.set()
        for watcher in self._watchers:
            watcher.join()
        for worker in self.workers():
            worker.kill()
        for process in self.extra:
            process.terminate()
            process.wait(60)
        with suppress(psutil.NoSuchProcess, FileNotFoundError):
            postmaster = psutil.Process(self.postmaster())
            postmaster.send_signal(signal.SIGINT)
            postmaster.wait(60)

    def start_postgres(self) -> None:
        """Starts PostgreSQL with our clock, and waits until it takes connections."""
        data, place = self.postgres.data_dir, make_socket_folder(self.postgres.data_dir)
        command = [self.postgres.bin_dir / "postgres", "-D", data, "-k", place, "-p", "5432"]
        user = pwd.getpwuid(data.stat().st_uid)
        ids: dict[str, Any] = (
            {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        )
        env = {"PATH": os.defpath, "LC_ALL": "C", "HOME": "/", **self.clock.environment}
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with (self.folder / "postgres.log").open("ab") as log:
                process = subprocess.Popen(
                    command, cwd="/", env=env, stdout=log, stderr=log, start_new_session=True, **ids
                )
            while process.poll() is None and time.monotonic() < deadline:
                with suppress(psycopg.OperationalError):
                    psycopg.connect(self.postgres.urls.libpq("postgres"), connect_timeout=5).close()
                    return
                time.sleep(0.1)
            time.sleep(0.5)  # processes of a killed server may still be ending
        raise TimeoutError("PostgreSQL did not start")

    def postmaster(self) -> int:
        """The process id of the running PostgreSQL."""
        return int((self.postgres.data_dir / "postmaster.pid").read_text().split()[0])

    def processes(self, service: str) -> list[psutil.Process]:
        """The processes of a service that do its work: of the code server two, without the runs that it started."""
        found: list[psutil.Process] = []
        for process, words in self._all():
            if "pipelines.cli.main" in words:
                continue  # `gudang run`, which waits for the service
            if service == "api":
                is_of = words[-4:] == ["demo", "api", "--port", str(self.api_port)]
            elif str(self.folder) not in " ".join(words):
                is_of = False  # of another installation
            elif service == "code":
                is_of = "code-server" in words or ("api" in words and "grpc" in words)
            else:
                is_of = any(SERVICES[service] in word for word in words)
            if is_of:
                found.append(process)
        return found

    def workers(self) -> list[psutil.Process]:
        """The processes of runs and of their steps, the runs first. They are known by their GUDANG_HOME."""
        mine = {p.pid for p in self.processes("code")}
        found: list[psutil.Process] = []
        for process, words in self._all():
            if "multiprocessing.spawn" in " ".join(words) or "execute_run" in words:
                with suppress(psutil.Error):
                    if process.environ().get("GUDANG_HOME") == str(self.home):
                        found.append(process)
        return sorted(found, key=lambda p: _parent(p) not in mine)

    def count(self) -> int:
        """How many processes of this installation there are, PostgreSQL and its sessions left out."""
        here = str(self.folder)
        found = 0
        for process, words in self._all():
            with suppress(psutil.Error):
                inside = here in " ".join(words) or process.cwd().startswith(here)
                found += inside and "postgres" not in process.name() and "mariadbd" not in process.name()
        return found

    def _all(self) -> Iterator[tuple[psutil.Process, list[str]]]:
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                words = process.cmdline()
                if words and process.status() != psutil.STATUS_ZOMBIE:
                    yield process, words

    def ask(self, query: str, *values: object, database: str = "gudang") -> list[Any]:
        """The rows of a query; waits while PostgreSQL is down."""
        deadline = time.monotonic() + 120
        while True:
            try:
                with psycopg.connect(self.postgres.urls.libpq(database), autocommit=True) as connection:
                    return connection.execute(query.encode(), values or None).fetchall()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def graphql(self, query: str) -> Any:
        """The webserver's answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)

    def _wait_for_code(self) -> None:
        """Waits until the code server answers."""
        deadline = time.monotonic() + 240
        program = str(Path(sys.executable).with_name("dagster"))
        while time.monotonic() < deadline:
            if self._socket.exists():
                check = [program, "api", "grpc-health-check", "-s", str(self._socket)]
                if not subprocess.run(check, check=False, capture_output=True).returncode:
                    return
            time.sleep(1)
        raise TimeoutError((self.folder / "code.log").read_text()[-3000:])

    def _wait_for_web(self) -> None:
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            with suppress(OSError):
                self.graphql("{ version }")
                return
            time.sleep(0.5)
        raise TimeoutError((self.folder / "webserver.log").read_text()[-3000:])


def _parent(process: psutil.Process) -> int:
    """The id of the process's parent, 0 if the process has ended."""
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return 0


def _seed(url: str) -> None:
    """Makes the source database of Dinkes on the server of `url`."""
    place = database_urls(url)["GUDANG_SUMBER_DINKES_URL"]
    engine = sa.create_engine(
        make_url(place).set(database=make_url(url).database), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(sa.text(f"create database {make_url(place).database}"))
    engine.dispose()
    for table in (puskesmas(), kunjungan()):
        put_table(place, table)


@contextmanager
def a_mariadb(folder: Path) -> Iterator[str | None]:
    """The URL of a MariaDB, or None if there is none on this machine."""
    if MariaDB.missing():
        yield None
        return
    place = folder / "mariadb"
    place.mkdir()
    place.chmod(0o755)
    with ExitStack() as stack:
        yield stack.enter_context(MariaDB.start(place)).url
