"""A whole night as a command of its own, on an embedded server with the demo OPD."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from demo.variables import DATABASES
from pipelines.runtime.embedded import EmbeddedServer
from pipelines.settings import PROJECT_ROOT, references


class Night:
    """`gudang nightly` with a home of its own: the command, and what the warehouse and Dagster hold afterwards.

    home: an empty or missing folder. project: the contracts, suites and models of the night.
    """

    def __init__(self, home: Path, project: Path = PROJECT_ROOT) -> None:
        self.home, self.project = home, project
        self.server = EmbeddedServer(home)
        # All homes have the same key, because tests compare what the homes hold.
        own = {"GUDANG_HOME": str(home), "GUDANG_PROJECT": str(project), "GUDANG_PSEUDONYM_KEY": "k" * 64}
        own["PYTHONPATH"] = str(PROJECT_ROOT)  # a copied project has no code
        # The demo makes no database for a source that is configured, and nobody reads those of contracts that are gone.
        contracts = [path.read_text("utf-8") for path in (project / "contracts").rglob("*.odcs.yaml")]
        read = {name for contract in contracts for name in references(contract)}
        own |= {name: "postgresql://tiada/x" for name in DATABASES if name not in read}
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("GUDANG_", "DAGSTER_"))} | own

    def start(self) -> subprocess.Popen[str]:
        """Starts a night in a process group of its own, and returns its process."""
        return subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli.main", "nightly"], cwd=PROJECT_ROOT, env=self.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def run(self) -> str:
        """Runs a night to its end and returns everything that it printed. Fails if the night failed."""
        night = self.start()
        try:
            output, _ = night.communicate(timeout=600)
        finally:
            if night.poll() is None:
                os.killpg(night.pid, signal.SIGKILL)
        assert night.returncode == 0, output[-4000:]
        return output

    def stop(self) -> None:
        """Stops the home's server."""
        command = [sys.executable, "-m", "pipelines.cli.main", "stop"]
        subprocess.run(command, cwd=PROJECT_ROOT, env=self.env, check=True, capture_output=True)

    def ask(self, query: str | sql.Composed, *values: object, database: str = "gudang") -> list[Any]:
        """Returns the rows of a query on one of the home's databases."""
        with psycopg.connect(self.server.urls.libpq(database), autocommit=True) as connection:
            made = query.encode() if isinstance(query, str) else query
            return connection.execute(made, values or None).fetchall()

    def content(self) -> dict[str, tuple[int, str]]:
        """Returns for every relation of raw, core and the marts the number of its rows and a hash of them.

        What describes the loads is left out: the marts `daftar_data`, `bukti_indikator` and `kualitas_data` with its
        facts. Columns with the batch or the time of a load are left out, too.
        """
        columns = self.ask(
            "select table_schema, table_name, array_agg(column_name::text order by column_name)"
            " from information_schema.columns where table_schema in ('raw', 'core', 'mart_satu_data', 'mart_spbe')"
            " and table_name not in ('daftar_data', 'bukti_indikator', 'fct_mutu_bulanan', 'kualitas_data')"
            " and column_name not in ('_batch_id', '_loaded_at', 'dimuat_pada') group by 1, 2"
        )
        query = sql.SQL(
            "select count(*), md5(string_agg(t::text, '|' order by t::text)) from (select {} from {}) t"
        )
        return {
            f"{schema}.{table}": self.ask(
                query.format(sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(schema, table))
            )[0]
            for schema, table, names in columns
        }

    def killed_in_a_load(self) -> int:
        """Starts a night, kills it while it loads, and returns the number of the batch that was running.

        At that moment rows of the batch have landed, and none of them is in raw.
        """
        process = self.start()
        deadline = time.monotonic() + 600
        running: list[tuple[int]] = []
        try:
            while not running and time.monotonic() < deadline and process.poll() is None:
                with suppress(psycopg.Error):
                    running = self.ask(
                        "select batch_id from ops.load_batch where state = 'running' and exists"
                        " (select from pg_tables where schemaname = 'landing')"
                    )
                time.sleep(0.02)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        assert running, "no load was seen running"
        return running[0][0]
