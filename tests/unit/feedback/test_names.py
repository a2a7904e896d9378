"""Names of folders and files in the outbox."""

from __future__ import annotations

import pytest

from pipelines.contracts.upload import copy_name
from pipelines.feedback.outbox import folder_of_files, folder_of_load


@pytest.mark.parametrize(
    ("file", "folder"),
    [
        ("Januari 2024.xlsx", "dinkes/_umpan_balik/kunjungan/7-Januari_2024"),
        ("../../etc/passwd", "dinkes/_umpan_balik/kunjungan/7-etc_passwd"),
        ("..", "dinkes/_umpan_balik/kunjungan/7"),
        ("6402014105900001.csv", "dinkes/_umpan_balik/kunjungan/7"),
        ("data 6402014105900001.csv", "dinkes/_umpan_balik/kunjungan/7-data"),
        ("kunjungan", "dinkes/_umpan_balik/kunjungan/7-kunjungan"),
        (None, "dinkes/_umpan_balik/kunjungan/7"),
        ("a" * 300 + ".csv", "dinkes/_umpan_balik/kunjungan/7-" + "a" * 60),
    ],
)
def test_folder_names_load_and_file(file: str | None, folder: str) -> None:
    assert folder_of_load("dinkes", "kunjungan", 7, file) == folder


def test_files_that_nobody_takes_have_a_folder_per_opd() -> None:
    assert folder_of_files("dinkes") == "dinkes/_umpan_balik/berkas-tidak-diambil"
    assert folder_of_files(None) == "_umpan_balik/berkas-tidak-diambil"


def test_marked_file_has_the_name_of_the_original() -> None:
    assert copy_name("data 1.XLSX", ".xlsx") == "data 1.XLSX"
    assert copy_name("data.v2.ods", ".xlsx") == "data.v2-bertanda.xlsx"
    assert copy_name("data.csv", ".csv") == "data.csv"
    assert copy_name("data.csv", ".xlsx") == "data-bertanda.xlsx"
    assert copy_name("data.csv.gz", ".csv") == "data-bertanda.csv"
    assert copy_name("data.zip", ".csv") == "data-bertanda.csv"
    assert copy_name("data", ".csv") == "data-bertanda.csv"
