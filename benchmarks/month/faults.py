"""What breaks in a month: servers that stop, hang or lose their connections, processes that are killed.

What belongs here: one function per fault; it gives what mends it afterwards. Not here: when it happens (month.py), bad
files (files.py).
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
import psycopg
import pymysql
from sqlalchemy.engine import make_url

from benchmarks.month.server import Server

Mend = Callable[[], None]
HOLD_S = 12.0
"""Seconds after which a fault that does not end by itself is mended."""
_PATIENCE_S = 60.0
_ANSWER_S = 5
"""How long MariaDB may take to answer."""


class NothingToBreakError(Exception):
    """What the fault needs was not there, as a run to kill."""


class NotYetError(Exception):
    """Another fault keeps this one from being mended now; its own mend comes first."""


def nothing() -> None:
    """Mends a fault that ends by itself: the services are started again."""


def kill(server: Server, service: str) -> Mend:
    """Kills the processes of a service by SIGKILL."""
    processes = server.processes(service)
    if not processes:
        raise NothingToBreakError(service)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return nothing


def run_killed(server: Server) -> Mend:
    """Kills the process of a run by SIGKILL; waits for one."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        for worker in server.workers()[:1]:
            time.sleep(2)  # so that it has begun to work
            with suppress(psutil.NoSuchProcess):
                worker.kill()
                return nothing
        time.sleep(0.2)
    raise NothingToBreakError("no run")


def code_server_killed(server: Server) -> Mend:
    """Kills the code server; the runs that it started lose their parent."""
    return kill(server, "code")


def webserver_killed(server: Server) -> Mend:
    """Kills the webserver."""
    return kill(server, "webserver")


def api_killed(server: Server) -> Mend:
    """Kills the server of the APIs."""
    return kill(server, "api")


def _hang(process: psutil.Process) -> Mend:
    process.send_signal(signal.SIGSTOP)

    def mend() -> None:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGCONT)

    return mend


def api_hangs(server: Server) -> Mend:
    """Lets the server of the APIs take connections and answer nothing."""
    processes = server.processes("api")
    if not processes:
        raise NothingToBreakError("api")
    return _hang(processes[0])


def postgres_restarted(server: Server) -> Mend:
    """Restarts PostgreSQL, which ends every session."""
    return _down(server, signal.SIGINT)


def postgres_killed(server: Server) -> Mend:
    """Kills PostgreSQL's first process by SIGKILL, and starts it again: it recovers from its log."""
    return _down(server, signal.SIGKILL)


def _down(server: Server, number: signal.Signals) -> Mend:
    postmaster = psutil.Process(server.postmaster())
    postmaster.send_signal(number)
    with suppress(psutil.TimeoutExpired):
        postmaster.wait(60)
    server.start_postgres()
    return nothing


def sessions_ended(server: Server) -> Mend:
    """Ends all sessions of PostgreSQL, as an administrator or a failover does."""
    server.ask("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend'"
               " and pid <> pg_backend_pid()")  # fmt: skip
    return nothing


def table_locked(server: Server) -> Mend:
    """Keeps a long query on a table of raw, which a load exchanges or writes."""
    reader = psycopg.connect(server.postgres.urls.libpq())
    try:
        reader.execute("select count(*) from raw.uji__ganti_csv")
    except psycopg.Error:
        reader.close()
        raise NothingToBreakError("raw.uji__ganti_csv") from None

    def mend() -> None:
        with suppress(psycopg.Error):
            reader.close()

    return mend


def source_table_gone(server: Server) -> Mend:
    """Renames a table of a source."""
    if server.mariadb:
        return _rename_in_mariadb(server.mariadb)
    place = server.postgres.urls.libpq("demo_dinkes")
    with psycopg.connect(place, autocommit=True) as connection:
        connection.execute("alter table puskesmas rename to puskesmas_lama")

    def mend() -> None:
        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute("alter table puskesmas_lama rename to puskesmas")

    return mend


def _rename_in_mariadb(url: str) -> Mend:
    """Renames the table there. A server that another fault has stopped does not answer."""
    of = make_url(url)

    def run(statement: str) -> None:
        connection = pymysql.connect(
            host=of.host or "", port=of.port or 0, user=of.username, password=of.password or "",
            database="demo_dinkes", read_timeout=_ANSWER_S,
        )  # fmt: skip
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def mend() -> None:
        try:
            run("rename table puskesmas_lama to puskesmas")
        except pymysql.err.OperationalError:
            raise NotYetError from None

    try:
        run("rename table puskesmas to puskesmas_lama")
    except pymysql.err.OperationalError:
        raise NothingToBreakError("mariadb") from None
    return mend


def _mariadb(server: Server) -> psutil.Process:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name() == "mariadbd" and str(server.folder) in " ".join(process.cmdline()):
                return process
    raise NothingToBreakError("mariadbd")


def mariadb_hangs(server: Server) -> Mend:
    """Lets MariaDB take connections and answer nothing."""
    return _hang(_mariadb(server))


def mariadb_down(server: Server) -> Mend:
    """Kills MariaDB, and starts it again later."""
    process = _mariadb(server)
    command = process.cmdline()
    process.kill()
    with suppress(psutil.TimeoutExpired):
        process.wait(30)
    command = [word for word in command if not word.startswith("--init-file")]

    def mend() -> None:
        server.extra.append(subprocess.Popen(command, start_new_session=True))

    return mend


def daemon_killed(server: Server) -> Mend:
    """Kills Dagster's daemon. It has its own number in a month, and is no fault of FAULTS."""
    return kill(server, "daemon")


FAULTS: tuple[Callable[[Server], Mend], ...] = (
    run_killed,
    api_hangs,
    postgres_restarted,
    mariadb_down,
    code_server_killed,
    sessions_ended,
    source_table_gone,
    api_killed,
    postgres_killed,
    table_locked,
    webserver_killed,
    mariadb_hangs,
)
"""The faults in the order in which they come."""
