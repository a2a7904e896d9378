"""A day at the office of the warehouse: a part of the project after one night, with `gudang ui` open on it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, LiteralString

import psutil
import psycopg
import pytest

from pipelines.settings import PROJECT_ROOT
from tests.support.night import Night
from tests.support.part_of_project import copy_part
from tests.support.servers import free_port, short_folder

DATASETS = ("dinkes/kunjungan", "dinkes/puskesmas", "dkp/pembenihan_ikan")
"""Two tables of a database, of which one is loaded by day, and an upload."""


class Office(Night):
    """The home of a `gudang ui`, and the sources of the demo OPD that its datasets are loaded from."""

    url: str
    ui: psutil.Process
    log: Path
    """What `gudang ui` prints."""

    @property
    def zone(self) -> Path:
        """The upload zone."""
        return self.home / "unggahan"

    def change_source(self, statement: LiteralString) -> int:
        """Runs a statement on Dinkes' database, and returns the number of rows that it changed."""
        with psycopg.connect(self.server.urls.libpq("demo_dinkes"), autocommit=True) as connection:
            return connection.execute(statement).rowcount


@contextmanager
def open_office(*, night: bool = True) -> Iterator[Office]:
    """Runs one night, then `gudang ui` while the context lasts. Fails if a process is left afterwards.

    night: False for an installation in which nothing was loaded yet.
    """
    with short_folder() as folder:
        project = folder / "proyek"
        copy_part(project, DATASETS)
        make_critical(project / "expectations/dinkes/kunjungan.json", "diagnosis_sesuai_jenis_kelamin")
        office = Office(folder / "home", project)
        try:
            if night:
                office.run()
            with _ui(office, folder / "ui.log"):
                yield office
        finally:
            office.server.stop()


def make_critical(suite: Path, name: str) -> None:
    """Makes an expectation of a suite one that stops the load."""
    document: dict[str, Any] = json.loads(suite.read_text("utf-8"))
    (expectation,) = [e for e in document["expectations"] if e["meta"]["nama"] == name]
    expectation["severity"] = "critical"
    suite.write_text(json.dumps(document), "utf-8")


@contextmanager
def _ui(office: Office, log: Path) -> Iterator[None]:
    port = free_port()
    office.url, office.log = f"http://127.0.0.1:{port}", log
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli.main", "ui", "--port", str(port)],
            cwd=PROJECT_ROOT, env=office.env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    office.ui = psutil.Process(process.pid)
    try:
        _wait_for(f"{office.url}/server_info", process, log)
        yield
    finally:
        children = office.ui.children(recursive=True) if process.poll() is None else []
        process.send_signal(signal.SIGTERM)
        process.wait(300)
        _, left = psutil.wait_procs(children, timeout=60)
    assert children and left == []


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310
            return
        time.sleep(0.2)
    pytest.fail(f"the UI did not start: {log.read_text()[-2000:]}")
