"""A data engineer's day in Dagster's UI, by mouse in a real browser: what she does, what she sees, what follows.

All cases share one `gudang ui` (webserver, daemon, code server) on a part of the province's project, and each leaves the
sources as it found them. What takes the daemon a while is begun first and looked at last: the backfills, for which it
looks every 30 seconds, and the dropped file. `make images` keeps the screenshots for docs/.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pytest
from selenium.webdriver.common.keys import Keys

from tests.support.browser import Browser, chromium, require_chromium
from tests.support.office import Office, open_office

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]
GROUPS = ("dinkes", "dkp", "referensi", "staging", "core", "mart_satu_data", "publikasi")
HATCHLINGS = "select sum(volume)::bigint from mart_satu_data.produksi_benih_ikan"
LOADED = (
    "select count(*) from raw.dinkes__kunjungan where tanggal_kunjungan between '2026-11-03' and '2026-11-05'"
)
BEGUN = "select from ops.load_batch where dataset = 'dinkes/kunjungan' and window_start = '2026-11-03'"
BUILT = "select sum(jumlah)::bigint from core.fct_kunjungan_puskesmas where tanggal between '2026-11-03' and '2026-11-05'"
SPOIL = (
    "update kunjungan set jenis_kelamin = case jenis_kelamin when 'P' then 'L' else 'P' end"
    " where tanggal_kunjungan = '2026-11-20' and kode_icd10 = 'Z34.9'"
)
"""Run twice, it changes nothing."""
OF_SPOILED_DAY = (
    "select count(*), max(_batch_id) from raw.dinkes__kunjungan where tanggal_kunjungan = '2026-11-20'"
)
REJECTED = "select count(*) from ops.load_batch where dataset = 'dinkes/kunjungan' and state = 'rejected'"
SWITCH = "//a[contains(@href, '/schedules/malam')]/following-sibling::*//label[input[@type='checkbox']]"


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    require_chromium()
    with open_office() as made:
        yield made


@pytest.fixture(scope="module")
def browser(office: Office) -> Iterator[Browser]:
    with chromium(office.url) as made:
        yield made


@pytest.fixture(scope="module")
def dropped(office: Office) -> int:
    """A corrected file, put into the upload zone while Dagster runs: how many hatchlings its mart will have then."""
    ((before,),) = office.ask(HATCHLINGS)
    folder = office.zone / "dkp/pembenihan_ikan"
    (sent,) = folder.glob("*.csv")
    text = sent.read_text("utf-8")
    assert text.count("Nila,70237000") == 1
    corrected = folder / "unggah.tmp"
    corrected.write_text(text.replace("Nila,70237000", "Nila,80237000"), "utf-8")
    corrected.rename(folder / "pembenihan_2025_perbaikan.csv")
    return before + 10_000_000


@pytest.fixture(scope="module")
def backfill(office: Office, browser: Browser) -> str:
    """The id of a backfill of three days, started by mouse after three visits were deleted at the source."""
    deleted = office.change_source(
        "delete from kunjungan where id_kunjungan in"
        " (select id_kunjungan from kunjungan where tanggal_kunjungan = '2026-11-04' order by 1 limit 3)"
    )
    assert deleted == 3
    return start_backfill(browser, "[2026-11-03...2026-11-05]", 3, shot="isi-ulang")


@dataclass(frozen=True)
class Spoiled:
    """Rows of a day that were spoiled at the source, and the backfill that reads them.

    rows: how many. loaded: what raw has of this day.
    """

    backfill: str
    rows: int
    loaded: list[tuple[int, int]]


@pytest.fixture(scope="module")
def spoiled(office: Office, browser: Browser, backfill: str) -> Iterator[Spoiled]:
    """Another backfill, of two days. On one of them each pregnant woman has become a man, until the last test is over."""
    # The check's page shows the newest result, which is to be that of this backfill.
    browser.wait("the load of the first backfill", lambda: office.ask(BEGUN))
    before = office.ask(OF_SPOILED_DAY)
    rows = office.change_source(SPOIL)
    started = start_backfill(browser, "[2026-11-20...2026-11-21]", 2)
    yield Spoiled(started, rows, before)
    assert office.change_source(SPOIL) == rows


def start_backfill(browser: Browser, days: str, number: int, *, shot: str | None = None) -> str:
    """Loads some days of dinkes/kunjungan again, by the dialog of its page, and returns the id of the backfill."""
    browser.open("/assets/raw/dinkes/kunjungan")
    browser.click("Materialize…", "button")
    browser.click("All", "button")
    chosen = browser.find("//input[starts-with(@placeholder, 'ex: ')]")
    browser.type(chosen, days)
    chosen.send_keys(Keys.TAB)
    browser.wait_for(f"{number} partitions", "Backfills all partitions in a single run.")
    if shot:
        browser.shot(shot)
    browser.click("Launch backfill", "button")
    link = browser.find("//a[starts-with(@href, '/runs/b/')]").get_attribute("href")
    assert link
    return link.rsplit("/", 1)[1]


def test_backfills_are_started_by_mouse_while_a_file_arrives(
    office: Office, backfill: str, spoiled: Spoiled, dropped: int
) -> None:
    started = [(backfill,), (spoiled.backfill,)]
    assert office.ask("select key from bulk_actions order by id", database="dagster") == started
    assert office.ask(HATCHLINGS) == [(dropped - 10_000_000,)]


def test_the_asset_graph_shows_groups_by_opd_and_layer(browser: Browser) -> None:
    browser.open("/asset-groups")
    browser.wait_for(*GROUPS)
    browser.click_at("//*[name()='foreignObject']//*[normalize-space(text())='dinkes']")
    asset = "//*[name()='foreignObject']//*[normalize-space(text())='kunjungan']"
    browser.find(asset)
    browser.driver.refresh()  # what is open stays so, and the graph fits into the window
    browser.find(asset)
    browser.shot("aset")
    browser.click_at(asset)
    browser.wait_for("Kunjungan pasien rawat jalan di puskesmas, satu baris per kunjungan.", "sumber_dinkes")
    assert "rror" not in browser.text


def test_an_asset_is_materialised_by_mouse(office: Office, browser: Browser) -> None:
    browser.open("/assets/raw/dinkes/puskesmas")
    browser.wait_for("Postgres", "database")
    run = browser.launch("Materialize")
    browser.wait_for("Success")
    browser.open("/assets/raw/dinkes/puskesmas?view=events")
    browser.wait_for(run[:8], "Materialized", "ringkasan", "tidak ada yang baru (192 baris sama)")
    browser.shot("materialisasi")
    assert office.ask("select state from ops.load_batch where run_id = %s", run) == [("unchanged",)]


def test_a_blocking_check_that_fails_shows_what_it_saw_and_leaves_the_table(
    office: Office, browser: Browser, spoiled: Spoiled
) -> None:
    browser.wait("a rejected load", lambda: office.ask(REJECTED) == [(1,)])
    browser.open("/assets/raw/dinkes/kunjungan?view=checks&checkDetail=diagnosis_sesuai_jenis_kelamin")
    browser.wait_for("Failed", "contoh", "unexpected_rows_expectation")
    browser.wait("how many rows deviate, without scrolling", lambda: browser.sees(f"{spoiled.rows} dari"))
    browser.shot("pemeriksaan")
    assert not browser.scrolls_sideways(), "the page is wider than the window"
    browser.wait_for(f"({spoiled.rows} baris menyimpang)", "***", "sql")
    assert "Z34.9" not in browser.text
    assert office.ask(OF_SPOILED_DAY) == spoiled.loaded


def test_the_cause_of_a_failed_dataset_is_on_the_first_screen_of_its_run(
    office: Office, browser: Browser
) -> None:
    office.change_source("alter table puskesmas rename column alamat to jalan")
    try:
        browser.open("/assets/raw/dinkes/puskesmas")
        browser.launch("Materialize")
        browser.wait_for("RUN_FAILURE")
    finally:
        office.change_source("alter table puskesmas rename column jalan to alamat")
    cause = "dinkes/puskesmas: tabel puskesmas tidak punya kolom alamat"
    browser.wait("the cause, without scrolling", lambda: browser.sees(cause))
    browser.shot("run-gagal")
    assert "Stack Trace" not in browser.text


def test_a_named_job_explains_its_config_and_starts(browser: Browser) -> None:
    browser.open("/locations/gudang-data-kaltim/jobs/pemeliharaan/playground")
    browser.wait_for("Hanya menghitung apa yang akan dihapus", "hanya_hitung: false", "No errors")
    browser.open("/locations/gudang-data-kaltim/jobs/tutup_bolong/playground")
    browser.wait_for("Hari pertama yang diperiksa.", "sampai: ''", "No errors")
    browser.shot("launchpad")
    browser.launch("Launch Run")
    browser.wait_for("Success", "Tidak ada yang perlu dimuat.")


def test_a_schedule_is_switched_off_and_on(office: Office, browser: Browser) -> None:
    browser.open("/automation")
    browser.wait_for("malam", "turunan_pemuatan", "unggahan_baru")
    browser.shot("otomasi")

    def is_on() -> bool:
        return browser.find(f"{SWITCH}/input", hidden=True).is_selected()

    def stored() -> str:
        kept = "select status from instigators where instigator_body like %s"
        return "".join(status for (status,) in office.ask(kept, '%"malam"%', database="dagster"))

    for on in (False, True):
        browser.wait(f"the switch, on: {not on}", lambda on=on: is_on() is not on)
        browser.click_at(SWITCH)
        browser.wait(f"the switch, on: {on}", lambda on=on: is_on() is on)
        browser.wait(f"the schedule, on: {on}", lambda on=on: (stored() != "STOPPED") is on)
        browser.open("/automation")
        browser.wait(f"the switch again, on: {on}", lambda on=on: is_on() is on)


def test_the_timeline_shows_the_runs_of_the_night(browser: Browser) -> None:
    browser.open("/timeline")
    browser.wait_for("ingest", "warehouse", "publication")
    browser.shot("linimasa")


def test_a_range_backfill_is_one_run_and_its_models_follow(
    office: Office, browser: Browser, backfill: str
) -> None:
    browser.open(f"/runs/b/{backfill}")
    browser.wait_for("Succeeded", "2026-11-03...2026-11-05", "100% completed")
    browser.shot("isi-ulang-selesai")
    runs = office.ask(
        "select run_id from run_tags where key = 'dagster/backfill' and value = %s",
        backfill,
        database="dagster",
    )
    assert len(runs) == 1
    ((loaded,),) = office.ask(LOADED)
    browser.wait("the fact of these days, built anew", lambda: office.ask(BUILT) == [(loaded,)])


def test_a_dropped_file_becomes_a_run_and_a_changed_mart(
    office: Office, browser: Browser, dropped: int
) -> None:
    browser.wait("the mart, built anew", lambda: office.ask(HATCHLINGS) == [(dropped,)])
    browser.open("/assets/raw/dkp/pembenihan_ikan?view=events")
    browser.wait_for("pembenihan_2025_perbaikan.csv", "1 dimuat")
    browser.shot("unggahan")
    browser.open("/runs")
    browser.wait_for("unggahan_baru", "turunan_pemuatan", "rangkaian_malam")
    browser.shot("daftar-run")


def test_a_killed_daemon_is_named_and_runs_again(office: Office, browser: Browser) -> None:
    def daemons() -> list[int]:
        return [child.pid for child in office.ui.children() if "dagster._daemon" in child.cmdline()]

    (killed,) = daemons()
    psutil.Process(killed).kill()
    said = "Dagster: daemon berhenti (dimatikan dengan sinyal 9), dijalankan lagi."
    browser.wait("the sentence about it", lambda: said in office.log.read_text())
    assert daemons() != [killed] and len(daemons()) == 1
    assert "Traceback" not in office.log.read_text() and "Stack Trace" not in office.log.read_text()
