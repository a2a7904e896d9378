"""Cases of a backfill: a year of dinkes/kunjungan as one range of days, against one full load of the same rows.

What belongs here: the office's project with a year of visits, and the cases. Each is a command as a person would type
it, and its whole process counts, imports included.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psycopg

from benchmarks.night import command, environment, gudang
from benchmarks.target import Figures, figures
from pipelines.runtime.embedded import EmbeddedServer
from pipelines.settings import Settings
from tests.support.part_of_project import copy_part

_DATASETS = ("dinkes/kunjungan", "dinkes/puskesmas")
_FIRST, _LAST = "2025-11-23", "2026-11-22"
"""365 days. The demo's own visits are of the last 83 of them."""
_MORE_VISITS = """
insert into kunjungan
select id_kunjungan + copy * 10000000, tanggal_kunjungan - copy * 83, kode_puskesmas, nik, nama_pasien, jenis_kelamin,
    umur, kode_icd10, cara_bayar
from kunjungan cross join generate_series(1, 4) as copy
where tanggal_kunjungan - copy * 83 >= %s
"""
_ROWS = "select count(*) from raw.dinkes__kunjungan"


def _prepared(settings: Settings) -> tuple[Settings, Path]:
    """The project and its home, made at the first call; the server runs afterwards."""
    root = Path(os.environ["BENCH_FOLDER"]) / "rentang"
    project, home = root / "proyek", root / "home"
    of_part = Settings(home=home, project=project, warehouse_url=None)
    if project.exists():
        EmbeddedServer(home).ensure()
        return of_part, home
    copy_part(project, _DATASETS)
    shutil.copy(settings.project / "pyproject.toml", project)  # `dg` knows a project by it
    contract = project / "contracts/dinkes/kunjungan.odcs.yaml"
    contract.write_text(
        contract.read_text("utf-8").replace("start: '2026-09-01'", f"start: '{_FIRST}'"), "utf-8"
    )
    gudang(of_part, home, "run", "true")
    with psycopg.connect(EmbeddedServer(home).urls.libpq("demo_dinkes"), autocommit=True) as source:
        source.execute(_MORE_VISITS, [_FIRST])
    # Tables, reference data, and what the first load finds out about its source.
    gudang(of_part, home, "prepare")
    gudang(of_part, home, "reload", "dinkes/kunjungan")
    return of_part, home


def _rows(home: Path) -> int:
    with psycopg.connect(EmbeddedServer(home).urls.libpq("gudang"), autocommit=True) as warehouse:
        row = warehouse.execute(_ROWS).fetchone()
        assert row is not None
        return int(row[0])


def _emptied(home: Path) -> None:
    with psycopg.connect(EmbeddedServer(home).urls.libpq("gudang"), autocommit=True) as warehouse:
        warehouse.execute("truncate raw.dinkes__kunjungan")


_LAUNCH = (
    "-m", "pipelines.cli.main", "run", "dg", "launch", "--assets", "key:raw/dinkes/kunjungan",
    "--partition-range", f"{_FIRST}...{_LAST}",
)  # fmt: skip


def limit_backfill(settings: Settings, _: int) -> Figures:
    """`gudang reload`: all rows by one full load."""
    of_part, home = _prepared(settings)
    try:
        _emptied(home)
        start = time.perf_counter()
        gudang(of_part, home, "reload", "dinkes/kunjungan")
        return figures(start, content=str(_rows(home)))
    finally:
        gudang(of_part, home, "stop")


def gudang_backfill(settings: Settings, _: int) -> Figures:
    """All days of the year as one run."""
    of_part, home = _prepared(settings)
    try:
        _emptied(home)
        start = time.perf_counter()
        command(of_part, home, *_LAUNCH)
        return figures(start, content=str(_rows(home)))
    finally:
        gudang(of_part, home, "stop")


def gudang_backfill_again(settings: Settings, _: int) -> Figures:
    """The same run, launched again after one that was killed while it loaded. Closing the dead run is not counted."""
    of_part, home = _prepared(settings)
    try:
        _emptied(home)
        _killed_in_the_load(of_part, home)
        _dead_run_closed(of_part, home)
        start = time.perf_counter()
        command(of_part, home, *_LAUNCH)
        return figures(start, content=str(_rows(home)))
    finally:
        gudang(of_part, home, "stop")


def _killed_in_the_load(settings: Settings, home: Path) -> None:
    """Launches the range, and kills it once its rows arrive in the warehouse."""
    process = subprocess.Popen(
        [sys.executable, *_LAUNCH], cwd=settings.project, env=environment(settings, home),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    running = "select 1 from ops.load_batch where state = 'running' and dataset = 'dinkes/kunjungan'"
    deadline = time.monotonic() + 300
    with psycopg.connect(EmbeddedServer(home).urls.libpq("gudang"), autocommit=True) as warehouse:
        while not warehouse.execute(running).fetchone():
            assert process.poll() is None and time.monotonic() < deadline, "no load was seen running"
            time.sleep(0.01)
    time.sleep(0.5)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _dead_run_closed(settings: Settings, home: Path) -> None:
    """Closes the killed run, whose slot the next one needs. Only ten seconds after its start a run counts as dead."""
    unfinished = "select 1 from runs where status not in ('SUCCESS', 'FAILURE', 'CANCELED')"
    deadline = time.monotonic() + 300
    with psycopg.connect(EmbeddedServer(home).urls.libpq("dagster"), autocommit=True) as dagster:
        while dagster.execute(unfinished).fetchone():
            assert time.monotonic() < deadline, "the killed run was not closed"
            gudang(settings, home, "prepare")
