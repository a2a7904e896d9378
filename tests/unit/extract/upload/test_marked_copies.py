"""A marked copy in the zone is read in place of the upload whose copy it is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pipelines.contracts.upload import FileExtract
from pipelines.extract.upload.inbox import NO_ORIGINAL, is_marked_copy, list_uploads, original_name
from tests.support.contracts import column, document, make, upload


@pytest.mark.parametrize(
    ("pattern", "kind", "there", "name", "original"),
    [
        ("*.csv", "csv", ["data satu.csv", "lain.csv"], "data satu-bertanda.csv", "data satu.csv"),
        ("*.csv", "csv", ["data satu.csv"], "Data Satu-bertanda (2).XLSX", "data satu.csv"),
        ("*.csv*", "csv", ["2026.01.csv.gz"], "2026.01-bertanda.csv", "2026.01.csv.gz"),
        ("*.zip", "csv", ["data.zip"], "data-bertanda.csv", "data.zip"),
        ("*.csv", "csv", [], "data-bertanda.csv", "data.csv"),
        ("*.csv", "csv", [], "data-bertanda.xlsx", None),
        ("*.csv", "csv", ["data.csv", "DATA.csv"], "data-bertanda.csv", None),
    ],
)
def test_copy_belongs_to_one_upload(
    pattern: str, kind: str, there: list[str], name: str, original: str | None
) -> None:
    extract = FileExtract(kind, pattern)
    assert is_marked_copy(extract, name)
    assert original_name(extract, there, name) == original


@pytest.mark.parametrize(
    ("pattern", "kind", "name"),
    [
        ("*.csv", "csv", "data.csv"),
        ("*-bertanda.csv", "csv", "data-bertanda.csv"),
        ("*.xlsx", "xlsx", "data-bertanda.csv"),
        ("*", "xlsx", "_temuan-data-bertanda.xlsx"),
    ],
)
def test_other_names_are_no_copies(pattern: str, kind: str, name: str) -> None:
    assert not is_marked_copy(FileExtract(kind, pattern), name)


def test_later_of_original_and_copies_is_taken(tmp_path: Path) -> None:
    extract = {"format": "csv", "pattern": "*.csv"}
    of = make(tmp_path, document("uji/data", [column("kode")], upload("uji/data", "csv"), extract=extract))
    zone = tmp_path / "zona"
    folder = zone / "uji/data"
    folder.mkdir(parents=True)

    def put(name: str) -> None:
        time.sleep(0.02)  # the clock of the file system
        (folder / name).write_text("kode\nA\n")
        os.utime(folder / name, (0, 0))  # a sender sets any time

    def taken() -> list[tuple[str, str]]:
        return [(file.name, file.path.name) for file in list_uploads(zone, of).files]

    put("data.csv")
    put("data-bertanda.csv")
    assert taken() == [("data.csv", "data-bertanda.csv")]
    put("data-bertanda (1).xlsx")
    assert taken() == [("data.csv", "data-bertanda (1).xlsx")]
    put("data.csv")
    assert taken() == [("data.csv", "data.csv")]
    put("lain-bertanda.xlsx")
    put("data-lihat.xlsx")
    left = {one.place: one.reason for one in list_uploads(zone, of).left}
    assert left["uji/data/lain-bertanda.xlsx"] == NO_ORIGINAL
    assert "bukan berkas untuk dikirim" in left["uji/data/data-lihat.xlsx"]


def test_workbook_of_a_csv_file_is_read_where_its_rows_were() -> None:
    extract = FileExtract(
        "csv", "*.zip", member="*.csv", delimiter=";", header_row=3, totals={"kode": "^Jumlah"}
    )
    copy = extract.of_marked(".xlsx")
    assert (copy.format, copy.member, copy.header_row, copy.totals) == ("xlsx", None, 3, {"kode": "^Jumlah"})
    assert extract.of_marked(".csv").member is None
