"""The night as its users run it: the command `gudang nightly`, on the embedded server, with the demo OPD.

A night that is killed has a file of its own, test_killed_night.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from psycopg import sql

from demo.dirt import EXPECTED_QUARANTINE
from pipelines.jobs import chain
from tests.support.http_server import Server
from tests.support.night import Night
from tests.support.repository import own_contracts
from tests.support.servers import short_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
# The demo's people have a NIK of a province that does not exist, so a text of this shape can only come from them. In a
# hexadecimal hash sixteen digits may follow each other: that is no NIK.
NIK = r"99[0-9]{14}"
DEMO_NIK = re.compile(f"(?<![0-9a-f]){NIK}(?![0-9a-f])")
WITH_NIK = f"(^|[^0-9a-f]){NIK}([^0-9a-f]|$)"
NIGHT = chain(own_contracts())
TABLES_ABOUT_LOADS = (
    "quarantine.row",
    "ops.load_batch",
    "ops.load_repair",
    "ops.check_result",
    "ops.model_run",
    "ops.publication_log",
    "ops.alert",
    "ops.alert_message",
)


@pytest.fixture(scope="module")
def webhook() -> Iterator[Server]:
    """Who is told of the night."""
    server = Server()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def whole(webhook: Server) -> Iterator[tuple[Night, str]]:
    """The first night of a home, and what it printed."""
    with short_folder() as folder:
        night = Night(folder / "home")
        night.env |= {"GUDANG_ALERT_WEBHOOK_URL": webhook.url, "NO_PROXY": "*"}
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
    places = night.ask("select value from run_tags where key = '.dagster/repository'", database="dagster")
    assert places == [("__repository__@gudang-data-kaltim",)] * len(NIGHT), "the pages of jobs ask for this"
    folder = night.home / "publikasi"
    for name in ("laporan.html", "datapackage.json", "dcat.jsonld", "csv/penduduk_kelurahan.csv"):
        assert (folder / name).stat().st_size
    assert (folder / "xlsx/penduduk_kelurahan.xlsx").stat().st_size


def test_its_digest_is_sent_and_holds_no_personal_value(whole: tuple[Night, str], webhook: Server) -> None:
    _, output = whole
    (request,) = webhook.requests
    document = request.json()
    assert re.match(r"Malam \d+ \w+ \d{4}: .*dataset dengan karantina baru", document["headline"])
    assert "Terkirim ke webhook: " in output
    told = {p["dataset"] for p in document["problems"] if p["kind"] == "quarantine"}
    assert told == {key for key, count in EXPECTED_QUARANTINE.items() if count}
    assert not DEMO_NIK.search(request.body)


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
    for table in (*TABLES_ABOUT_LOADS, "raw.dinkes__kunjungan"):
        count = sql.SQL("select count(*) filter (where t::text ~ {}) from {} t").format(
            WITH_NIK, sql.Identifier(*table.split("."))
        )
        assert night.ask(count) == [(0,)], table
    events = "select count(*) > 100, count(*) filter (where event ~ %s) from event_logs"
    assert night.ask(events, WITH_NIK, database="dagster") == [(True, 0)]


def test_a_second_night_loads_nothing_and_changes_nothing(whole: tuple[Night, str]) -> None:
    night, _ = whole
    before = night.content()
    output = night.run()
    latest = "select distinct on (dataset) state, rows_loaded, rows_deleted from ops.load_batch order by dataset, batch_id desc"
    assert night.ask(latest) == [("unchanged", 0, 0)] * len(EXPECTED_QUARANTINE)
    assert " tetap " in output and "Semua terbitan masih sama." in output
    planned = "select count(*) from event_logs where dagster_event_type = 'ASSET_CHECK_EVALUATION_PLANNED'"
    assert night.ask(planned, database="dagster") == [(0,)]
    assert night.content() == before
