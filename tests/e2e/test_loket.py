"""An OPD's person at the upload page, in a real browser: fetches the form, fills it wrong, reads why, corrects it.

The warehouse is a small one, and a load is called as Dagster calls it. Log-ins are those of the demo.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from selenium.webdriver.common.by import By

from pipelines.redaction.database_urls import libpq_url
from pipelines.settings import MailServer
from tests.support.browser import Browser, chromium, require_chromium
from tests.support.loket import POOR, POOR_MAIL, VISITS, Office
from tests.support.small_warehouse import SmallWarehouse
from tests.support.smtp_server import SmtpServer

pytestmark = [pytest.mark.browser]
BEYOND = """
return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1
    && !e.closest('.scroll') && !e.closest('.hidden, .skip')).map(e => e.outerHTML.slice(0, 80));
"""
UNNAMED = """
return [...document.querySelectorAll('input:not([type=hidden]), select, textarea, progress')].filter(e => !e.labels.length && !e.ariaLabel)
    .concat([...document.querySelectorAll('a, button, th')].filter(e => !e.textContent.trim())).map(e => e.outerHTML);
"""
FAULTY: list[list[object]] = [
    [1, "L", "2026-01-31"],
    [2, "X", "2026-01-31"],
    [None, "P", "2026-01-31"],
    [4, "P", "31/31/2026"],
    [10_001, "P", "2026-01-31"],
    ["lima", "L", "2026-01-31"],
    [7, "P", "2026-01-31"],
]
"""Rows of the form that are wrong in five ways: class, empty, no date, too large, no number."""


@pytest.fixture(scope="module")
def office(module_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    require_chromium()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)
        office = Office(module_warehouse_url, tmp_path_factory.mktemp("kantor"))
        yield office
        office.loads.connection.close()


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    server = SmtpServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("unduhan")


@pytest.fixture(scope="module")
def browser(office: Office, downloads: Path) -> Iterator[Browser]:
    with office.of_the_demo() as page, chromium(page.url) as made:
        behaviour = {"behavior": "allow", "downloadPath": str(downloads)}
        made.driver.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
        yield made


def enter(browser: Browser, person: str) -> None:
    browser.open("/masuk")
    browser.click_at(f"//button[@value='{person}']")
    # The page of the log-in names who was logged in before.
    browser.wait("the page after the log-in", lambda: "/masuk" not in browser.driver.current_url, 30)
    browser.wait_for(f"Masuk sebagai {person}", seconds=30)


def send(browser: Browser, path: Path, order: str = "kirim") -> None:
    browser.find("//input[@type='file']").send_keys(str(path))
    browser.find(f"//button[@value='{order}']").click()


def click_in_sandbox(browser: Browser, selector: str) -> None:
    """Clicks an element of a page that may run no script, not even that of the driver."""

    def ask(command: str, **more: object) -> dict[str, Any]:
        return browser.driver.execute_cdp_cmd(command, more)

    root = ask("DOM.getDocument")["root"]["nodeId"]
    node = ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
    ask("DOM.scrollIntoViewIfNeeded", nodeId=node)
    quad = ask("DOM.getContentQuads", nodeId=node)["quads"][0]
    mouse = {"x": (quad[0] + quad[4]) / 2, "y": (quad[1] + quad[5]) / 2, "button": "left", "clickCount": 1}
    for kind in ("mousePressed", "mouseReleased"):
        ask("Input.dispatchMouseEvent", type=kind, **mouse)


def check_page(browser: Browser) -> None:
    """The page fits into a telephone's width, and everything on it has a name."""
    assert browser.driver.execute_script("return document.documentElement.lang") == "id"
    assert len(browser.driver.find_elements(By.TAG_NAME, "h1")) == 1
    assert browser.driver.execute_script(UNNAMED) == []
    size = {"height": 800, "deviceScaleFactor": 1, "mobile": False}
    for width in (390, 1280):
        browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, **size})
        assert browser.driver.execute_script(BEYOND) == [], f"{browser.driver.current_url} at {width}"


def test_a_form_is_filled_wrong_and_corrected_until_the_mart_is_right(
    office: Office, browser: Browser, downloads: Path, tmp_path: Path, smtp: SmtpServer
) -> None:
    mail_server = MailServer("127.0.0.1", smtp.port, "tanpa", "gudang@uji.example")
    small = SmallWarehouse(libpq_url(office.loads.url), tmp_path / "dbt_like_sql")
    small.folder.write(
        "models/sources.yml", "sources: [{name: dinsos, schema: raw, tables: [{name: dinsos__keluarga}]}]"
    )
    small.model(
        "keluarga", "select kelamin, count(*) as n from {{ source('dinsos', 'dinsos__keluarga') }} group by 1"
    )

    enter(browser, "petugas-dinsos")
    browser.click("Data keluarga", "a")
    browser.wait_for("Kirim berkas", "Belum ada kiriman", seconds=30)
    browser.click("Unduh templat XLSX", "a")
    form = downloads / "keluarga.xlsx"
    browser.wait("the form in the folder of downloads", form.exists, 30)

    filled = tmp_path / "keluarga.xlsx"
    _fill(form, filled, FAULTY)
    form.unlink()
    send(browser, filled, "periksa")
    browser.wait_for("Berkas dapat dibaca", "7 baris", "Belum ada yang dikirim", seconds=60)
    check_page(browser)
    browser.driver.execute_script("window.stays = true")
    browser.wait_for("Sedang dihitung", seconds=30)  # the script asks by itself
    assert len(office.answer_previews()) == 1 and office.files() == []
    browser.wait_for("Bila keluarga.xlsx dikirim", "Baris baru", "GDK-B", seconds=30)
    assert [dd.text for dd in browser.driver.find_elements(By.CSS_SELECTOR, "[aria-label=Pratinjau] dd")] == [
        "2", "0", "0", "0", "5"
    ]  # fmt: skip
    # The page was never left: a file that is chosen meanwhile stays chosen.
    assert browser.driver.execute_script("return window.stays")
    check_page(browser)
    browser.shot("loket-pratinjau")
    send(browser, filled)
    browser.wait_for("Berkas diterima", "Diterima", "petugas-dinsos", seconds=60)
    assert office.files() == [f"{POOR}/keluarga.xlsx"]
    browser.shot("loket")

    loaded = office.ingest(POOR).batch
    assert loaded is not None and (loaded.state, loaded.loaded, loaded.quarantined) == ("loaded", 2, 5)
    assert small.build()["keluarga"].state == "ok"
    assert small.run("select kelamin, n from core.keluarga order by 1") == [("L", 1), ("P", 1)]
    office.send_feedback("on_change", mail_server)
    (mail,) = smtp.mails
    assert mail.recipients == (POOR_MAIL,) and "5 temuan: Data keluarga" in mail.message["Subject"]

    browser.open(f"/dataset/{POOR}")
    browser.wait_for("Dimuat", "5 baris", seconds=30)
    browser.click("keluarga.xlsx", "a")
    browser.wait_for("Jenis Kelamin: Nilai di luar klasifikasi isian", "nomor: Sel wajib kosong", seconds=30)
    assert all(wrong in browser.text for wrong in ("31/31/2026", "10001", "lima"))
    check_page(browser)
    browser.shot("loket-temuan")

    place = f"/muatan/{loaded.batch_id}/umpan-balik"
    browser.find("//a[contains(@href, 'index.html')]").click()
    browser.wait(
        "the page of findings", lambda: browser.driver.current_url.endswith(f"{place}/index.html"), 30
    )
    browser.shot("loket-umpan-balik")
    click_in_sandbox(browser, "a[href='keluarga.xlsx']")
    marked = downloads / "keluarga.xlsx"
    browser.wait("the marked file", marked.exists, 30)
    _correct(marked, {"X": "P", "31/31/2026": "2026-01-30", 10_001: 5, "lima": 6}, empty=3)
    browser.open(f"/dataset/{POOR}")
    send(browser, marked)
    browser.wait_for("Berkas diterima", seconds=60)
    again = office.ingest(POOR).batch
    assert again is not None and (again.loaded + again.unchanged, again.quarantined) == (7, 0)
    office.send_feedback("on_change", mail_server)
    assert small.build()["keluarga"].state == "ok"
    assert small.run("select kelamin, n from core.keluarga order by 1") == [("L", 2), ("P", 5)]
    browser.open(f"/dataset/{POOR}/temuan")
    browser.wait_for("Tidak ada temuan", seconds=30)
    assert [(m.recipients, m.message["Subject"]) for m in smtp.mails[1:]] == [
        ((POOR_MAIL,), "Kiriman diterima tanpa temuan: Data keluarga")
    ]
    small.connection.close()


def test_a_wrong_file_is_refused_with_a_sentence_that_has_the_focus(
    office: Office, browser: Browser, tmp_path: Path
) -> None:
    enter(browser, "petugas-dinkes")
    browser.open(f"/dataset/{VISITS}")
    wrong = tmp_path / "kunjungan.csv"
    wrong.write_text("nomor,lain\n1,2\n")
    send(browser, wrong)
    browser.wait_for("Berkas tidak diterima", "Jenis Kelamin", "Saran:", seconds=60)
    assert browser.driver.switch_to.active_element.get_attribute("role") == "alert"
    assert not (office.zone / VISITS).exists()


def test_all_works_without_script(office: Office, browser: Browser, tmp_path: Path) -> None:
    enter(browser, "petugas-dinkes")
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.open(f"/dataset/{VISITS}")
        good = tmp_path / "kunjungan.csv"
        good.write_text("nomor,Jenis Kelamin,tanggal\n1,L,\n")
        send(browser, good)
        browser.wait("the page after the redirect", lambda: "terkirim=ya" in browser.driver.current_url, 60)
        assert f"{VISITS}/kunjungan.csv" in office.files()
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_neither_of_two_opd_sees_anything_of_the_other(office: Office, browser: Browser) -> None:
    visit = office.ingest(VISITS).batch
    rows = office.loads.connection.execute(
        "select batch_id from ops.load_batch where dataset = %s order by 1", [POOR]
    )
    poor = rows.fetchall()[0][0]
    assert visit is not None
    for person, own, foreign, batch in (
        ("petugas-dinkes", "kunjungan", POOR, poor),
        ("petugas-dinsos", "keluarga", VISITS, visit.batch_id),
    ):
        enter(browser, person)
        other = foreign.split("/")[1]
        assert f"Data {own}" in browser.text and other not in browser.text
        for path in (
            f"/dataset/{foreign}", f"/dataset/{foreign}/temuan", f"/dataset/{foreign}/templat.xlsx",
            f"/muatan/{batch}", f"/muatan/{batch}/umpan-balik/temuan.csv",
            f"/muatan/{batch}/umpan-balik/index.html", "/dataset/tidak/ada",
        ):  # fmt: skip
            browser.open(path)
            browser.wait_for("Tidak ditemukan", seconds=30)
            assert f"Data {other}" not in browser.text
    enter(browser, "petugas-walidata")
    assert "Data kunjungan" in browser.text and "Data keluarga" in browser.text
    check_page(browser)


def test_the_browser_had_nothing_to_complain_about(browser: Browser) -> None:
    for path in ("/masuk", "/", "/bantuan"):
        browser.open(path)
        check_page(browser)
    # 404 and 422 are answers of the tests above; everything else would be a fault of a page.
    told = [entry["message"] for entry in browser.driver.get_log("browser")]
    assert [message for message in told if "status of 4" not in message] == []


def _fill(form: Path, out: Path, rows: list[list[object]]) -> None:
    book = openpyxl.load_workbook(form)
    for row in rows:
        book["Data"].append(row)
    book.save(out)


def _correct(path: Path, by: dict[Any, Any], empty: Any) -> None:
    """Puts right values in the place of wrong ones in an OPD's file, and one in its empty cell of the first column."""
    book = openpyxl.load_workbook(path)
    for row in book["Data"].iter_rows(min_row=4):
        for cell in row[:3]:
            cell.value = by.get(cell.value, cell.value)
        if row[0].value is None and row[1].value is not None:
            row[0].value = empty
    book.save(path)


def test_a_large_file_goes_on_where_the_connection_broke(
    office: Office, browser: Browser, tmp_path: Path
) -> None:
    """The second part does not arrive, and then its first half: the script asks how much came, and goes on there."""
    enter(browser, "petugas-dinkes")
    browser.open(f"/dataset/{VISITS}")
    browser.wait_for("Kirim berkas", seconds=30)
    file = tmp_path / "besar.csv"
    rows = "".join(f"{number},L,2026-01-31\n" for number in range(1, 2_000))
    file.write_text("nomor,Jenis Kelamin,tanggal\n" + rows)
    browser.driver.execute_script(
        """
        document.getElementById("kirim").dataset.part = 9000;
        window.patches = 0;
        const real = window.fetch;
        window.fetch = async (place, options) => {
            if (options?.method !== "PATCH") return real(place, options);
            window.patches += 1;
            if (window.patches === 2) throw new TypeError("no network");
            if (window.patches === 4) {
                await real(place, { ...options, body: options.body.slice(0, 4500) });
                throw new TypeError("no network");
            }
            return real(place, options);
        };
        """
    )
    send(browser, file)
    browser.wait_for("Berkas diterima", seconds=60)
    assert browser.driver.execute_script("return window.patches") > 4
    assert (office.zone / VISITS / "besar.csv").read_bytes() == file.read_bytes()
