"""The night as its users run it: the command, on the embedded server, with the demo OPD; and killed in the middle."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from demo.dirt import EXPECTED_QUARANTINE
from pipelines.jobs import chain
from pipelines.runtime.embedded import EmbeddedServer
from pipelines.settings import PROJECT_ROOT
from tests.support.repository import own_contracts
from tests.support.servers import short_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
# The demo's people have a NIK of an impossible province: what looks like one can only come from them. Digests, in
# which sixteen digits may follow each other, are no NIK.
NIK = r"99[0-9]{14}"
DEMO_NIK = re.compile(f"(?<![0-9a-f]){NIK}(?![0-9a-f])")
WITH_NIK = f"(^|[^0-9a-f]){NIK}([^0-9a-f]|$)"
NIGHT = chain(own_contracts())
TOLD = (
    "quarantine.row",
    "ops.load_batch",
    "ops.load_repair",
    "ops.check_result",
    "ops.model_run",
    "ops.publication_log",
)


class Night:
    """A home of its own, and what lies in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.server = EmbeddedServer(home)
        own = {"GUDANG_HOME": str(home), "GUDANG_PSEUDONYM_KEY": "k" * 64}  # one key: homes are compared
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("GUDANG_", "DAGSTER_"))} | own

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli.main", "nightly"], cwd=PROJECT_ROOT, env=self.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def run(self) -> str:
        """A whole night; everything that it printed."""
        night = self.start()
        try:
            output, _ = night.communicate(timeout=600)
        finally:
            if night.poll() is None:
                os.killpg(night.pid, signal.SIGKILL)
        assert night.returncode == 0, output[-4000:]
        return output

    def stop(self) -> None:
        command = [sys.executable, "-m", "pipelines.cli.main", "stop"]
        subprocess.run(command, cwd=PROJECT_ROOT, env=self.env, check=True, capture_output=True)

    def ask(self, query: str | sql.Composed, *values: object, database: str = "gudang") -> list[Any]:
        with psycopg.connect(self.server.urls.libpq(database), autocommit=True) as connection:
            made = query.encode() if isinstance(query, str) else query
            return connection.execute(made, values or None).fetchall()

    def content(self) -> dict[str, tuple[int, str]]:
        """Every relation of raw, core and the marts as its number of rows and a hash of what a reader sees.

        daftar_data and bukti_indikator, which tell of the loads themselves, are left out, and so are the batch and
        time of each row.
        """
        columns = self.ask(
            "select table_schema, table_name, array_agg(column_name::text order by column_name)"
            " from information_schema.columns where table_schema in ('raw', 'core', 'mart_satu_data', 'mart_spbe')"
            " and table_name not in ('daftar_data', 'bukti_indikator')"
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


@pytest.fixture(scope="module")
def whole() -> Iterator[tuple[Night, str]]:
    """A first night that nobody disturbed, and what it printed."""
    with short_folder() as folder:
        night = Night(folder / "home")
        try:
            yield night, night.run()
        finally:
            night.stop()


def test_the_demo_night_loads_everything_and_quarantines_the_known_dirt(whole: tuple[Night, str]) -> None:
    night, output = whole
    quarantined = dict(night.ask("select dataset, rows_quarantined from ops.load_batch"))
    assert quarantined == dict(EXPECTED_QUARANTINE)
    rows = night.ask("select dataset, count(*) from quarantine.row where state = 'open' group by dataset")
    assert dict(rows) == {key: count for key, count in EXPECTED_QUARANTINE.items() if count}
    assert {state for (state,) in night.ask("select state from ops.load_batch")} == {"loaded"}
    assert {state for (state,) in night.ask("select state from ops.model_run")} == {"ok"}
    assert night.ask("select count(*) > 0, count(*) filter (where not passed) from ops.check_result") == [
        (True, 0)
    ]
    for key in EXPECTED_QUARANTINE:
        assert key in output


def test_its_runs_are_in_dagster_and_its_files_are_published(whole: tuple[Night, str]) -> None:
    night, _ = whole
    runs = night.ask("select pipeline_name, status from runs order by id", database="dagster")
    assert runs == [(job, "SUCCESS") for job in NIGHT]
    longest = night.ask("select value from run_tags where key = 'dagster/max_runtime'", database="dagster")
    assert longest == [("0",)] * len(NIGHT), "Dagster's clock ends none of them: their leases do"
    folder = night.home / "publikasi"
    for name in ("laporan.html", "datapackage.json", "dcat.jsonld", "csv/penduduk_kelurahan.csv"):
        assert (folder / name).stat().st_size
    assert (folder / "xlsx/penduduk_kelurahan.xlsx").stat().st_size


def test_all_that_came_of_the_demo_is_marked_as_made_up(whole: tuple[Night, str]) -> None:
    night, _ = whole
    came = "select distinct data_contoh from mart_satu_data.daftar_data where terakhir_datang is not null"
    assert night.ask(came) == [(True,)]
    folder = night.home / "publikasi"
    assert "bukan data sebenarnya" in (folder / "laporan.html").read_text("utf-8")
    package = json.loads((folder / "datapackage.json").read_text("utf-8"))
    assert {r["name"] for r in package["resources"] if not r.get("data_contoh")} == set()


def test_no_personal_value_is_anywhere_but_in_the_source(whole: tuple[Night, str]) -> None:
    night, output = whole
    query = "select count(*) > 1000 from public.kunjungan where nik ~ %s"
    assert night.ask(query, f"^{NIK}$", database="demo_dinkes") == [(True,)]
    assert not DEMO_NIK.search(output)
    written = [p for name in ("dagster", "publikasi") for p in (night.home / name).rglob("*") if p.is_file()]
    written += [*night.home.rglob("*.log")]
    assert written
    assert [p for p in written if DEMO_NIK.search(p.read_text("utf-8", "replace"))] == []
    for table in (*TOLD, "raw.dinkes__kunjungan"):
        count = sql.SQL("select count(*) filter (where t::text ~ {}) from {} t").format(
            WITH_NIK, sql.Identifier(*table.split("."))
        )
        assert night.ask(count) == [(0,)], table
    told = "select count(*) > 100, count(*) filter (where event ~ %s) from event_logs"
    assert night.ask(told, WITH_NIK, database="dagster") == [(True, 0)]


def test_a_second_night_loads_nothing_and_changes_nothing(whole: tuple[Night, str]) -> None:
    night, _ = whole
    before = night.content()
    output = night.run()
    latest = "select distinct on (dataset) state, rows_loaded, rows_deleted from ops.load_batch order by dataset, batch_id desc"
    assert night.ask(latest) == [("unchanged", 0, 0)] * len(EXPECTED_QUARANTINE)
    assert " tetap " in output
    assert night.content() == before


def test_a_night_killed_in_a_load_ends_as_if_it_had_not_been(whole: tuple[Night, str]) -> None:
    undisturbed, _ = whole
    with short_folder() as folder:
        night = Night(folder / "home")
        try:
            killed = _killed_in_a_load(night)
            night.run()
            content = undisturbed.content()
            assert len(content) > len(EXPECTED_QUARANTINE)
            assert night.content() == content
            states = dict(night.ask("select batch_id, state from ops.load_batch"))
            assert states.pop(killed) == "died"
            assert list(states.values()) == ["loaded"] * len(EXPECTED_QUARANTINE)
            assert night.ask("select count(*) from pg_tables where schemaname = 'landing'") == [(0,)]
            runs = night.ask("select status from runs order by id", database="dagster")
            assert runs == [("FAILURE",), *[("SUCCESS",)] * len(NIGHT)]
        finally:
            night.stop()


def _killed_in_a_load(night: Night) -> int:
    """Kills a night once a batch is running whose rows have landed, and are not yet published; the batch's number."""
    process = night.start()
    deadline = time.monotonic() + 600
    running: list[tuple[int]] = []
    try:
        while not running and time.monotonic() < deadline and process.poll() is None:
            with suppress(psycopg.Error):
                running = night.ask(
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
