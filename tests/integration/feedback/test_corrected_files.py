"""A marked file goes in again as it is: what was corrected is loaded, what is still wrong stays open, nothing doubles."""

from __future__ import annotations

import csv
import json
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from pipelines.contracts.upload import copy_name
from tests.support.contracts import column
from tests.support.feedback import ToldOpd, findings_in

COLUMNS = (
    column("kode", required=True, primaryKey=True),
    column("jumlah", "integer"),
    column("tanggal", "date", logicalTypeOptions={}),
)
HEADER = ["kode", "jumlah", "tanggal"]
ROWS = [
    ["A", "1", "2026-01-31"],
    ["B", "dua", "2026-01-31"],
    ["C", "3", "kemarin"],
    ["=D1", "4", "2026-02-28"],
]


@pytest.fixture
def opd(warehouse_url: str, tmp_path: Path) -> Iterator[ToldOpd]:
    made = ToldOpd(warehouse_url, tmp_path)
    yield made
    made.loads.connection.close()


def write_csv(folder: Path) -> Path:
    file = folder / "data satu.csv"
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([HEADER, *ROWS])
    return file


def write_xlsx(folder: Path) -> Path:
    book = openpyxl.Workbook()
    for row in [HEADER, *ROWS]:
        assert book.active is not None
        book.active.append(row)
        for cell in book.active[book.active.max_row]:
            cell.data_type = "s"
    book.save(folder / "data satu.xlsx")
    return folder / "data satu.xlsx"


def write_ndjson(folder: Path) -> Path:
    file = folder / "data satu.ndjson"
    file.write_text("".join(json.dumps(dict(zip(HEADER, row, strict=True))) + "\n" for row in ROWS))
    return file


def write_zip(folder: Path) -> Path:
    file = folder / "data satu.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.write(write_csv(folder), "isi.csv")
    return file


WRITERS = {"csv": write_csv, "xlsx": write_xlsx, "ndjson": write_ndjson, "zip": write_zip}


def correct(marked: Path, before: str, after: str) -> None:
    """Changes one cell of a marked file, as a person does, and saves the file under its own name."""
    if marked.suffix == ".csv":
        text = marked.read_text()
        assert text.count(f",{before},") == 1
        marked.write_text(text.replace(f",{before},", f",{after},"))
        return
    book = openpyxl.load_workbook(marked)
    (cell,) = (c for row in book.worksheets[1].iter_rows() for c in row if c.value == before)
    cell.value = after
    book.save(marked)


@pytest.mark.parametrize(
    ("kind", "back", "disposition"),
    [
        ("csv", "csv", "append"),
        ("csv", "xlsx", "replace"),
        ("csv", "xlsx", "append"),
        ("xlsx", "xlsx", "merge"),
        ("xlsx", "xlsx", "replace"),
        ("ndjson", "xlsx", "append"),
        ("zip", "csv", "append"),
        ("zip", "xlsx", "merge"),
    ],
)
def test_marked_file_goes_in_again(
    kind: str, back: str, disposition: str, opd: ToldOpd, tmp_path: Path
) -> None:
    extract = {"pattern": f"data*.{kind}", **({"member": "*.csv"} if kind == "zip" else {})}
    format_ = "csv" if kind == "zip" else kind
    contract = opd.dataset("uji/data", format_, *COLUMNS, write_disposition=disposition, extract=extract)
    assert opd.send(contract, WRITERS[kind](tmp_path)) == "loaded"
    opd.tell()
    since = dict(opd.loads.run("select row_key, created_at from quarantine.row"))
    assert since.keys() == {"B", "C"}

    (folder,) = opd.folders()
    marked = folder / copy_name(f"data satu.{kind}", f".{back}")
    correct(marked, "dua", "2")
    assert opd.send(contract, marked) == "loaded"
    raw = "select kode, jumlah, tanggal::text from raw.uji__data order by kode"
    assert opd.loads.run(raw) == [("=D1", 4, "2026-02-28"), ("A", 1, "2026-01-31"), ("B", 2, "2026-01-31")]
    states = opd.loads.run("select row_key, state, created_at from quarantine.row order by row_key")
    assert states == [("B", "resolved", since["B"]), ("C", "open", since["C"])]

    # What is left comes back in the same way, marked from the marked file, and is corrected there.
    opd.tell()
    folder = opd.folders()[-1]
    assert [(f["kolom"], f["status"]) for f in findings_in(folder)] == [
        ("jumlah", "selesai"),
        ("tanggal", "terbuka"),
    ]
    marked = folder / copy_name(f"data satu.{kind}", f".{back}")
    correct(marked, "kemarin", "2026-03-01")
    assert opd.send(contract, marked) == "loaded"
    assert len(opd.loads.run(raw)) == 4
    assert opd.loads.run("select count(*) from quarantine.row where state = 'open'") == [(0,)]
    opd.tell()
    assert opd.states()[-1] == "clean"

    # A later original counts again.
    assert opd.send(contract, tmp_path / f"data satu.{kind}") in ("loaded", "unchanged")
    assert opd.loads.run("select count(*) from quarantine.row where state = 'open'") == [(2,)]


def test_original_of_a_copy_that_is_gone_does_not_replace_a_later_file(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS, extract={"pattern": "*.csv"})
    assert opd.send(contract, write_csv(tmp_path)) == "loaded"
    opd.tell()
    (folder,) = opd.folders()
    copy = folder / "data satu-bertanda.xlsx"
    correct(copy, "dua", "2")
    assert opd.send(contract, copy) == "loaded"
    later = tmp_path / "nanti.csv"
    later.write_text("kode,jumlah,tanggal\nZ,9,2026-05-01\n")
    assert opd.send(contract, later) == "loaded"
    (Path(str(opd.zone)) / contract.key / copy.name).unlink()
    assert opd.load(contract) in ("none", "unchanged")
    assert opd.loads.run("select kode from raw.uji__data") == [("Z",)]


def restore_zone(zone: Path, *, keep_times: bool) -> None:
    """Writes all files of the zone anew in the order of a backup's archive."""
    former = zone.with_name("dulu")
    zone.rename(former)
    for file in sorted(path for path in former.rglob("*") if path.is_file()):
        time.sleep(0.02)  # the clock of the file system
        to = zone / file.relative_to(former)
        to.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copy2 if keep_times else shutil.copy)(file, to)


@pytest.mark.parametrize("event", ["chmod", "restore", "restore without times"])
def test_original_does_not_come_back_if_nobody_sends_it(event: str, opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS, extract={"pattern": "*.csv"})
    assert opd.send(contract, write_csv(tmp_path)) == "loaded"
    opd.tell()
    copy = opd.folders()[0] / "data satu-bertanda.xlsx"
    correct(copy, "dua", "2")
    assert opd.send(contract, copy) == "loaded"
    zone = Path(str(opd.zone))
    if event == "chmod":
        (zone / contract.key / "data satu.csv").chmod(0o640)
    else:
        restore_zone(zone, keep_times=event == "restore")
    raw = "select jumlah from raw.uji__data where kode = 'B'"
    assert opd.load(contract) in ("loaded", "unchanged")
    assert opd.loads.run(raw) == [(2,)]
    assert opd.load(contract) == "unchanged"
    assert opd.loads.run(raw) == [(2,)]
    time.sleep(0.02)
    assert opd.send(contract, write_csv(tmp_path)) in ("loaded", "unchanged")
    assert opd.loads.run(raw) == [], "the original was sent again"


def test_earlier_of_two_new_copies_does_not_come_later(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS, extract={"pattern": "*.csv"})
    assert opd.send(contract, write_csv(tmp_path)) == "loaded"
    opd.tell()
    copy = opd.folders()[0] / "data satu-bertanda.xlsx"
    raw = "select jumlah from raw.uji__data where kode = 'B'"
    place = Path(str(opd.zone)) / contract.key
    for number, name in ((2, "data satu-bertanda.xlsx"), (3, "data satu-bertanda (1).xlsx")):
        correct(copy, "dua" if number == 2 else "2", str(number))
        shutil.copy(copy, place / name)
        time.sleep(0.02)  # the clock of the file system
    (place / "data satu.csv").chmod(0o640)
    for _ in range(3):
        assert opd.load(contract) in ("loaded", "unchanged")
        assert opd.loads.run(raw) == [(3,)]
