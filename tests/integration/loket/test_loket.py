"""The upload page by real HTTP: what it takes, what it refuses, and to whom it shows what."""

from __future__ import annotations

import io
import re
import socket
import tempfile
import time
from pathlib import Path

import openpyxl
import pytest

from pipelines.errors import SourceError
from tests.support.loket import MOST, POOR, VISITS, Office, Page

GOOD = "nomor,Jenis Kelamin,tanggal\n1,L,2026-01-31\n2,P,\n"
HALF = "nomor,Jenis Kelamin,tanggal\n1,L,2026-01-31\n2,X,\n3,P,31/31/2026\n"


def test_nobody_gets_in_whom_the_proxy_does_not_name(page: Page) -> None:
    for path in ("/", f"/dataset/{VISITS}", "/bantuan", "/muatan/1", f"/dataset/{VISITS}/templat.csv"):
        assert page.get(path).status_code == 401, path
        assert page.get(path, "tidak-terdaftar").status_code == 401, path
        assert page.get(path, headers={"Cookie": "loket=rina.00"}).status_code == 401, path
    assert page.send(VISITS, "a.csv", GOOD, "").status_code == 401
    assert page.get("/masuk").status_code == 404  # only the demo has one


def test_a_name_that_comes_twice_is_nobodys(page: Page) -> None:
    with socket.create_connection(("127.0.0.1", page.port)) as plain:
        name = "X-Forwarded-User: "
        plain.sendall(f"GET / HTTP/1.1\r\nHost: x\r\n{name}rina\r\n{name}wati\r\n\r\n".encode())
        assert plain.recv(100).startswith(b"HTTP/1.1 401")


def test_a_file_is_put_loaded_and_shown_with_who_sent_it(office: Office, page: Page) -> None:
    assert page.send(VISITS, "januari.csv", HALF, "rina").status_code == 303
    assert office.files() == [f"{VISITS}/januari.csv"]
    assert (office.zone / VISITS / "januari.csv").read_text() == HALF
    assert (office.zone / VISITS / "januari.csv").stat().st_mode & 0o777 == 0o640
    assert office.uploaders() == [(VISITS, "januari.csv", "rina")]
    before = page.get(f"/dataset/{VISITS}", "rina").text
    assert "januari.csv" in before and "Diterima" in before and "rina" in before

    done = office.ingest(VISITS).batch
    assert done is not None and (done.loaded, done.quarantined) == (1, 2)
    after = page.get(f"/dataset/{VISITS}", "rina").text
    assert f"/muatan/{done.batch_id}" in after and "Dimuat" in after and "Diterima" not in after
    assert after.count("januari.csv") == 1

    load = page.get(f"/muatan/{done.batch_id}", "rina").text
    assert "Jenis Kelamin: Nilai di luar klasifikasi isian [GDK-B005]" in load and "baris 3" in load
    assert "31/31/2026" in load
    assert "2 baris" in page.get("/", "rina").text


def test_a_corrected_file_resolves_what_was_found(office: Office, page: Page) -> None:
    page.send(VISITS, "januari.csv", HALF, "rina")
    office.ingest(VISITS)
    assert "Jenis Kelamin" in page.get(f"/dataset/{VISITS}/temuan", "rina").text
    fixed = HALF.replace("X", "P").replace("31/31/2026", "2026-01-30")
    page.send(VISITS, "januari.csv", fixed, "wati")
    office.ingest(VISITS)
    assert "Tidak ada temuan" in page.get(f"/dataset/{VISITS}/temuan", "rina").text
    history = page.get(f"/dataset/{VISITS}", "rina").text
    assert "rina" in history and "wati" in history


def test_a_file_that_was_replaced_before_it_was_seen_does_not_wait_for_ever(
    office: Office, page: Page
) -> None:
    page.send(VISITS, "januari.csv", HALF, "rina")
    page.send(VISITS, "januari.csv", GOOD, "wati")
    office.ingest(VISITS)
    history = page.get(f"/dataset/{VISITS}", "rina").text
    assert "Digantikan" in history and "Dimuat" in history and "Diterima" not in history


def test_the_same_file_sent_again_brings_nothing_new(office: Office, page: Page) -> None:
    page.send(VISITS, "januari.csv", GOOD, "rina")
    for _ in range(2):  # the next night reads it again
        office.ingest(VISITS)
    page.send(VISITS, "januari.csv", GOOD, "wati")
    office.ingest(VISITS)
    history = page.get(f"/dataset/{VISITS}", "rina").text
    assert history.count(">Dimuat<") == 1 and history.count("Tidak ada yang baru") == 1
    assert "wati" in history and "Menunggu" not in history


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(office: Office, page: Page) -> None:
    large = GOOD + "3,L,\n" * (MOST // 5 + 100_000)
    assert page.send(VISITS, "besar.csv", large, "rina").status_code == 413
    # Without a length said before, as HTTP allows.
    body = b"--b\r\nContent-Disposition: form-data; name=berkas; filename=a.csv\r\n\r\n" + large.encode()
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    chunks = iter([body[at : at + 50_000] for at in range(0, len(body), 50_000)])
    assert page.ask("POST", f"/dataset/{VISITS}", "rina", data=chunks, headers=kind).status_code == 413
    assert office.files() == [] and list(Path(tempfile.gettempdir()).iterdir()) == []


@pytest.mark.parametrize(
    ("said", "sent"), [(1000, b"--b\r\n"), (100_000, b""), (5, b"--b\r\nContent-Disposition: form-data")]
)
def test_a_broken_connection_leaves_nothing(office: Office, page: Page, said: int, sent: bytes) -> None:
    start = b'--b\r\nContent-Disposition: form-data; name="berkas"; filename="a.csv"\r\n\r\n' + GOOD.encode()
    with socket.create_connection(("127.0.0.1", page.port)) as plain:
        head = f"POST /dataset/{VISITS} HTTP/1.1\r\nHost: x\r\nX-Forwarded-User: rina\r\n"
        kind = f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(start) + said}\r\n\r\n"
        plain.sendall(f"{head}{kind}".encode() + start + sent)
        time.sleep(0.3)
    deadline = time.monotonic() + 20
    while list(Path(tempfile.gettempdir()).iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(Path(tempfile.gettempdir()).iterdir()) == []
    assert office.files() == [] and office.uploaders() == []
    assert page.get("/", "rina").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--\r\n",
        b"--b\r\nContent-Disposition: form-data; name=berkas; filename=a.csv\r\n\r\nx",
        b"--b\r\nContent-Disposition: form-data; name=lain; filename=a.csv\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\nContent-Disposition: form-data; name=berkas; filename=\r\n\r\n\r\n--b--\r\n",
        b"--b\r\n" + b"X: y\r\n" * 5000,
        b'--b\r\nContent-Disposition: form-data; name="aksi"\r\n\r\n' + b"k" * 200_000,
    ],
)
def test_damaged_forms_are_refused(office: Office, page: Page, body: bytes) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = page.ask("POST", f"/dataset/{VISITS}", "rina", data=body, headers=kind)
    assert 400 <= answer.status_code < 500
    assert office.files() == []


def test_another_opd_sees_and_sends_nothing(office: Office, page: Page) -> None:
    page.send(VISITS, "januari.csv", HALF, "rina")
    done = office.ingest(VISITS).batch
    assert done is not None
    folder = office.zone / "dinkes" / "_umpan_balik" / "kunjungan" / f"{done.batch_id}-januari"
    folder.mkdir(parents=True)
    (folder / "temuan.csv").write_text("kode\n")
    routes = [
        f"/dataset/{VISITS}", f"/dataset/{VISITS}/temuan", f"/dataset/{VISITS}/templat.xlsx",
        f"/dataset/{VISITS}/templat.csv", f"/muatan/{done.batch_id}",
        f"/muatan/{done.batch_id}/umpan-balik/temuan.csv",
    ]  # fmt: skip
    for path in routes:
        assert page.get(path, "rina").status_code == 200, path
        assert page.get(path, "wati").status_code == 200, path
        assert page.get(path, "budi").status_code == 404, path
        assert page.get(path.replace("kunjungan", "tidak_ada"), "budi").status_code == 404, path
    assert page.send(VISITS, "februari.csv", GOOD, "budi").status_code == 404
    assert "kunjungan" not in page.get("/", "budi").text
    assert office.uploaders() == [(VISITS, "januari.csv", "rina")]
    for number in ("0", "99999999", str(1 << 70), "-1", "1%20or%201=1"):
        assert page.get(f"/muatan/{number}", "rina").status_code == 404


def test_files_of_the_outbox_are_handed_out_and_nothing_else(office: Office, page: Page) -> None:
    page.send(VISITS, "januari.csv", GOOD, "rina")
    done = office.ingest(VISITS).batch
    assert done is not None
    folder = office.zone / "dinkes" / "_umpan_balik" / "kunjungan" / f"{done.batch_id}-januari"
    folder.mkdir(parents=True)
    (folder / "temuan #1.html").write_text("<style>p { color: red }</style><p>temuan")
    (folder / "rahasia.sh").write_text("ls")
    (folder / "keluar.csv").symlink_to(office.settings.contracts_dir / f"{VISITS}.odcs.yaml")
    other = folder.parent / f"{done.batch_id}-lain"
    other.mkdir()
    (other / "lain.csv").write_text("x")
    listed = page.get(f"/muatan/{done.batch_id}", "rina").text
    assert "temuan #1.html" in listed and "keluar.csv" not in listed and "rahasia.sh" not in listed
    place = f"/muatan/{done.batch_id}/umpan-balik"
    html = page.get(f"{place}/temuan%20%231.html", "rina")
    assert html.status_code == 200 and "sandbox" in html.headers["Content-Security-Policy"]
    for name in ("keluar.csv", "rahasia.sh", "lain.csv", "..%2F..%2Fjanuari.csv", "%2e%2e", "", "."):
        assert page.get(f"{place}/{name}", "rina").status_code == 404, name


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "https://jahat.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 303),
    ],
)
def test_another_site_can_send_nothing(
    office: Office, page: Page, headers: dict[str, str], status: int
) -> None:
    assert page.send(VISITS, "a.csv", GOOD, "rina", headers=headers).status_code == status
    assert len(office.files()) == (status == 303)


def test_every_answer_has_the_headers_that_protect_it(page: Page) -> None:
    for path in ("/", "/tidak-ada", "/aset/loket.css", "/aset/../users.py", "/sehat"):
        headers = page.get(path, "rina").headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'"), path
        assert "unsafe" not in headers["Content-Security-Policy"], path
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in page.get("/", "rina").headers["Cache-Control"]
    assert page.ask("DELETE", f"/dataset/{VISITS}", "rina").status_code == 405


def test_pages_say_it_when_the_warehouse_does_not_answer(office: Office) -> None:
    with office.behind_a_proxy("postgresql+psycopg://127.0.0.1:9/tiada") as page:
        answer = page.get("/", "rina")
        assert answer.status_code == 503 and "Tidak ada kiriman yang hilang" in answer.text
        assert page.send(VISITS, "a.csv", GOOD, "rina").status_code == 503
        assert office.files() == []


def test_in_the_demo_a_person_chooses_and_no_cookie_can_be_made_up(office: Office) -> None:
    with office.of_the_demo() as page:
        assert page.get("/").headers["Location"] == "/masuk"
        assert page.get("/", "rina").headers["Location"] == "/masuk"  # there is no proxy to believe
        entered = page.ask("POST", "/masuk", data={"nama": "petugas-dinkes"})
        cookie = entered.headers["Set-Cookie"].split(";")[0]
        assert "HttpOnly" in entered.headers["Set-Cookie"] and "SameSite=lax" in entered.headers["Set-Cookie"]
        assert page.get(f"/dataset/{VISITS}", headers={"Cookie": cookie}).status_code == 200
        assert page.get(f"/dataset/{POOR}", headers={"Cookie": cookie}).status_code == 404
        forged = cookie.replace("petugas-dinkes", "petugas-walidata")
        assert page.get("/", headers={"Cookie": forged}).status_code == 303
        assert page.ask("POST", "/masuk", data={"nama": "orang-lain"}).status_code == 404
        # A name elsewhere that was made to lead to this machine.
        assert page.get("/masuk", headers={"Host": "jahat.example"}).status_code == 400


def test_a_filled_form_is_loaded_as_it_is(office: Office, page: Page) -> None:
    form = page.get(f"/dataset/{POOR}/templat.xlsx", "budi")
    assert "keluarga.xlsx" in form.headers["Content-Disposition"]
    assert page.send(POOR, "keluarga.xlsx", form.content, "budi").status_code == 422  # it has no row yet
    book = openpyxl.load_workbook(io.BytesIO(form.content))
    assert [cell.value for cell in book["Data"][3]] == ["nomor", "Jenis Kelamin", "tanggal"]
    book["Data"].append([1, "L", "2026-01-31"])
    book["Data"].append([2, "P", None])
    filled = io.BytesIO()
    book.save(filled)
    assert page.send(POOR, "keluarga.xlsx", filled.getvalue(), "budi").status_code == 303
    done = office.ingest(POOR).batch
    assert done is not None and (done.state, done.loaded, done.quarantined) == ("loaded", 2, 0)


def test_the_marked_file_is_fetched_corrected_and_sent_again(office: Office, page: Page) -> None:
    page.send(VISITS, "januari.csv", HALF, "rina")
    first = office.ingest(VISITS).batch
    assert first is not None
    office.send_feedback()
    listed = page.get(f"/muatan/{first.batch_id}", "rina").text
    place = f"/muatan/{first.batch_id}/umpan-balik"
    names = [part.partition('"')[0] for part in listed.split(f'href="{place}/')[1:]]
    assert {Path(name).suffix for name in names} >= {".html", ".csv", ".xlsx", ".json"}, names
    for name in names:
        assert page.get(f"{place}/{name}", "rina").status_code == 200
        assert page.get(f"{place}/{name}", "budi").status_code == 404
    (marked,) = [name for name in names if name.startswith("januari") and name.endswith(".csv")]
    text = page.get(f"{place}/{marked}", "rina").content.decode("utf-8-sig")
    fixed = text.replace(",X,", ",P,").replace("31/31/2026", "2026-01-30")
    assert page.send(VISITS, marked, fixed, "rina").status_code == 303
    again = office.ingest(VISITS).batch
    assert again is not None and (again.state, again.quarantined) == ("loaded", 0)
    assert "Tidak ada temuan" in page.get(f"/dataset/{VISITS}/temuan", "rina").text


def test_an_unusual_value_is_confirmed_by_its_own_opd_only(office: Office, page: Page) -> None:
    page.send(VISITS, "a.csv", "nomor,Jenis Kelamin,tanggal\n10001,L,\n10002,P,\n3,X,\n4,L,\n", "rina")
    office.ingest(VISITS)
    place = f"/dataset/{VISITS}/temuan"
    shown = page.get(place, "rina").text
    entries = dict(
        office.loads.run("select row_key, entry_id::text from quarantine.row where state = 'open' order by 1")
    )
    assert shown.count('type="checkbox"') == 2  # not for the class X
    form = {"kolom": "nomor", "aturan": "maximum", "entri": [entries["10001"]], "alasan": "nomor lama"}

    def confirmed() -> list[tuple[str, ...]]:
        return office.loads.run(
            "select column_name, rule, confirmed_by, via, reason from quarantine.confirmation"
        )

    assert page.ask("POST", place, "budi", data=form).status_code == 404
    assert page.ask("POST", place, "", data=form).status_code == 401
    for wrong in (
        {"alasan": " "},
        {"alasan": "nomor\0lama"},
        {"entri": []},
        {"entri": ["x", "99999999999999999999"]},
        {"entri": [entries["3"]], "kolom": "kelamin", "aturan": "klasifikasi"},
        {"entri": [entries["10001"], entries["3"]]},
    ):
        answer = page.ask("POST", place, "rina", data=form | wrong)
        assert answer.status_code == 422 and "Belum dicatat" in answer.text, wrong
    assert page.ask("POST", place, "rina", data=b"x" * 100_000).status_code == 413
    assert confirmed() == []

    assert page.ask("POST", place, "rina", data=form).status_code == 303
    assert confirmed() == [("nomor", "maximum", "rina", "loket", "nomor lama")]
    shown = page.get(f"{place}?dikonfirmasi=ya", "rina").text
    assert "sudah dikonfirmasi" in shown and shown.count('name="entri"') == 1
    done = office.ingest(VISITS).batch
    assert done is not None and (done.loaded, done.confirmed, done.quarantined) == (1, 1, 2)

    # It is taken back by its own OPD only, and the row is held again.
    shown = page.get(place, "rina").text
    (number,) = re.findall(r'name="konfirmasi" value="([0-9]+)"', shown)
    back = {"aksi": "tarik", "konfirmasi": [number], "alasan": "salah ketik"}
    other = f"/dataset/{POOR}/temuan"
    assert page.ask("POST", place, "budi", data=back).status_code == 404
    assert page.ask("POST", other, "budi", data=back).status_code == 422  # a number of another dataset
    for wrong in ({"alasan": ""}, {"konfirmasi": []}, {"konfirmasi": ["0"]}):
        assert page.ask("POST", place, "rina", data=back | wrong).status_code == 422
    assert page.ask("POST", place, "rina", data=back).status_code == 303
    assert office.loads.run("select withdrawn_by, via, reason from quarantine.withdrawal") == [
        ("rina", "loket", "salah ketik")
    ]
    assert 'name="konfirmasi"' not in page.get(f"{place}?ditarik=ya", "rina").text
    done = office.ingest(VISITS).batch
    assert done is not None and (done.confirmed, done.quarantined) == (0, 3)


def test_a_filled_csv_form_is_loaded_as_it_is(office: Office, page: Page) -> None:
    form = page.get(f"/dataset/{VISITS}/templat.csv", "rina").content
    assert page.send(VISITS, "kunjungan.csv", form + b"1,L,2026-01-31\r\n", "rina").status_code == 303
    done = office.ingest(VISITS).batch
    assert done is not None and (done.loaded, done.quarantined) == (1, 0)
    assert page.get(f"/dataset/{POOR}/templat.csv", "budi").status_code == 404
    assert page.get(f"/dataset/{VISITS}/templat.pdf", "rina").status_code == 404


def test_a_file_that_could_not_be_read_is_in_the_history_with_its_reason(office: Office, page: Page) -> None:
    folder = office.zone / VISITS
    folder.mkdir(parents=True)
    (folder / "rusak.csv").write_bytes(b"PK\x03\x04" + b"\0" * 100)  # by SFTP, past this page
    with pytest.raises(SourceError):
        office.ingest(VISITS)
    history = page.get(f"/dataset/{VISITS}", "rina").text
    assert "Gagal dimuat" in history
    number = history.partition('href="/muatan/')[2].partition('"')[0]
    assert "bukan berkas CSV" in page.get(f"/muatan/{number}", "rina").text


def test_scores_are_shown_to_their_own_opd(office: Office, page: Page) -> None:
    place = f"/dataset/{VISITS}"
    assert "Skor mutu" not in page.get(place, "rina").text  # no night has built the mart
    office.loads.run("create schema if not exists mart_satu_data")
    office.loads.run(
        "create table mart_satu_data.kualitas_data (dataset text, dimensi text, skor numeric, perubahan numeric,"
        " temuan_terbuka bigint, hari_perbaikan numeric, tahun int, bulan int);"
        "insert into mart_satu_data.kualitas_data values"
        " ('dinkes/kunjungan', 'validitas', 88.2, null, 3, 2.5, 2026, 11),"
        " ('dinkes/kunjungan', 'gabungan', 91.5, -1.5, 4, null, 2026, 11),"
        " ('dinkes/kunjungan', 'gabungan', 93.0, null, 0, null, 2026, 10),"
        " ('dinsos/keluarga', 'gabungan', 12.3, null, 9, 1.0, 2026, 11)"
    )
    try:
        shown = page.get(place, "rina").text
        assert "Skor mutu, Nov 2026" in shown and "12,3" not in shown and "93,0" not in shown
        table = re.sub("<[^>]+>", " ", shown.partition('id="skor"')[2].partition("</table>")[0])
        assert "Gabungan 91,5 −1,5 4 – Validitas 88,2 – 3 2,5" in " ".join(table.split())  # noqa: RUF001
        assert page.get(place, "budi").status_code == 404
        assert "12,3" in page.get(f"/dataset/{POOR}", "budi").text
        # The mart of an older version is as none.
        office.loads.run("alter table mart_satu_data.kualitas_data drop column hari_perbaikan")
        assert "Skor mutu" not in page.get(place, "rina").text
    finally:
        office.loads.run("drop table mart_satu_data.kualitas_data")
