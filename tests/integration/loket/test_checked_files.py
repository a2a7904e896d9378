"""Files that somebody only checks on the upload page: what is said of them, to whom, and that nothing is sent."""

from __future__ import annotations

import re
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from pipelines.feedback.asked_previews import MOST_OPEN, MOST_TRIES
from tests.support.contracts import column, document, make, upload
from tests.support.loket import POOR, VISITS, Office, Page

GOOD = "nomor,Jenis Kelamin,tanggal\n1,L,2026-01-31\n2,P,\n"


def test_checking_reads_the_file_and_sends_nothing(office: Office, page: Page) -> None:
    seen = page.send(VISITS, "januari.csv", GOOD, "rina", "periksa")
    assert seen.status_code == 200 and "2 baris" in seen.text and "Belum ada yang dikirim" in seen.text
    assert [Path(file).name[0] for file in office.files()] == ["."]  # aside, where no load sees it
    assert office.ingest(VISITS).batch is None and office.uploaders() == []


def test_checking_says_what_would_change_to_its_own_opd_only(office: Office, page: Page) -> None:
    page.send(VISITS, "lama.csv", GOOD, "rina")
    office.ingest(VISITS)
    before = office.loads.raw(office.contracts[VISITS], "nomor", "kelamin")
    text = "nomor,Jenis Kelamin,tanggal\n1,L,2026-01-01\n2,L,2026-01-01\n3,P,\n4,X,\n"
    seen = page.send(VISITS, "baru.csv", text, "rina", "periksa").text
    (link,) = re.findall(r'href="([^"]*pratinjau=[0-9]+)"', seen)
    waits = page.get(link, "rina").text
    assert "Sedang dihitung" in waits and f'data-from="{link}"' in waits
    assert "http-equiv" not in waits  # a page that loads itself anew would take the chosen file away
    other = link.replace(VISITS, POOR)
    assert [page.get(link, "budi").status_code, page.get(other, "budi").status_code] == [404, 404]
    assert page.get(link.split("=")[0] + "=x", "rina").status_code == 404

    (line,) = office.answer_previews()
    assert "dihitung (loaded)" in line and office.answer_previews() == []
    assert [file for file in office.files() if file.endswith(".pratinjau")] == []
    answer = page.get(link, "rina").text
    counts = dict(re.findall(r"<dt>(Baris baru|Berubah|Sama|Dihapus|Ditahan)</dt><dd>([0-9.]+)</dd>", answer))
    assert counts == {"Baris baru": "1", "Berubah": "2", "Sama": "0", "Dihapus": "0", "Ditahan": "1"}
    assert "GDK-B" in answer and "data-from" not in answer
    assert office.loads.raw(office.contracts[VISITS], "nomor", "kelamin") == before


def test_what_cannot_be_counted_is_no_fault_of_the_file(office: Office, page: Page) -> None:
    seen = page.send(VISITS, "a.csv", GOOD, "rina", "periksa").text
    (link,) = re.findall(r'href="([^"]*pratinjau=[0-9]+)"', seen)
    office.loads.connection.execute("update ops.upload_preview set tries = %s", [MOST_TRIES])
    office.answer_previews()
    answer = page.get(link, "rina").text
    assert "Tidak dapat dihitung" in answer and "[GDK-M012]" in answer and "tetap dapat dikirim" in answer
    assert "Tidak akan dimuat" not in answer and "Baris baru" not in answer and "data-from" not in answer


def test_only_some_files_are_counted_at_a_time(office: Office, page: Page) -> None:
    for _ in range(MOST_OPEN):
        assert "Lihat apa yang akan berubah" in page.send(VISITS, "a.csv", GOOD, "rina", "periksa").text
    assert "belum dapat dihitung: 5 berkas lain" in page.send(VISITS, "a.csv", GOOD, "rina", "periksa").text
    assert len(office.files()) == MOST_OPEN
    assert len(office.answer_previews()) == MOST_OPEN and office.files() == []


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("januari.pdf", GOOD, "tidak cocok dengan *.csv"),
        ("januari.csv", b"PK\x03\x04" + b"\0" * 2000, "bukan berkas CSV"),
        ("januari.csv", "", "berkas kosong"),
        ("januari.csv", "nomor,lain\n1,2\n", "tidak ada di baris judul"),
        ("../dinsos/a.csv", GOOD, "bukan nama untuk unggahan"),
        ("..\\a.csv", GOOD, "bukan nama untuk unggahan"),
        (".sembunyi.csv", GOOD, "bukan nama untuk unggahan"),
        ("a\x07.csv", GOOD, "bukan nama untuk unggahan"),
        ("<script>alert(1)</script>.csv", GOOD, "bukan nama untuk unggahan"),
        ("n" * 300 + ".csv", GOOD, "namanya terlalu panjang"),
    ],
)
def test_what_no_load_could_read_is_refused_with_a_sentence(
    office: Office, page: Page, name: str, content: bytes | str, why: str
) -> None:
    answer = page.send(VISITS, name, content, "rina")
    assert answer.status_code == 422, answer.text
    assert why in answer.text and "Saran:" in answer.text and "<script>alert" not in answer.text
    assert office.files() == [] and office.uploaders() == []


def test_a_fault_of_the_contract_that_a_file_shows_is_a_sentence(office: Office, page: Page) -> None:
    extract = {"format": "csv", "pattern": "*.csv", "totals": {"uraian": "^Jumlah"}}
    columns = [column("nomor"), column("uraian")]
    server = upload("dinkes/rekap", "csv")
    made = document("dinkes/rekap", columns, server, extract=extract, schema_contract="evolve")
    make(office.settings.contracts_dir, made)
    try:
        for order in ("kirim", "periksa"):
            answer = page.send("dinkes/rekap", "rekap.csv", "nomor\n1\n", "rina", order)
            assert answer.status_code == 422 and "GDK-K016" in answer.text, answer.text
    finally:
        (office.settings.contracts_dir / "dinkes/rekap.odcs.yaml").unlink()
    assert office.files() == [] and office.uploaders() == []


def test_whoever_only_checks_keeps_nobody_from_sending(office: Office, page: Page) -> None:
    large = GOOD + "".join(f"{number},L,2026-01-31\n" for number in range(3, 40_000))
    with ThreadPoolExecutor(24) as pool:
        checks = [pool.submit(page.send, VISITS, "besar.csv", large, "rina", "periksa") for _ in range(24)]
        wait(checks, return_when=FIRST_COMPLETED)  # the others have come and wait
        assert page.send(VISITS, "januari.csv", GOOD, "rina").status_code == 303
        assert sum(not check.done() for check in checks) >= 2
        assert {check.result().status_code for check in checks} == {200}
