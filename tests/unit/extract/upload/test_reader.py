"""What all kinds of uploaded files have in common, and the checks of a contract's `extract`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.files import read_contract
from pipelines.errors import ContractError, SourceError
from pipelines.extract.upload.reader import open_file
from tests.support import contracts as documents
from tests.support.extracts import api_contract, column
from tests.support.extracts import upload_contract as contract
from tests.support.uploads import content_error, opened, read, read_error, uploaded, write

# --- what every kind of file has in common

AB = contract("a", "b")


@pytest.mark.parametrize("kind", ["csv", "xlsx", "xls", "ods", "json", "ndjson", "parquet"])
def test_empty_file_is_refused_as_such_whatever_its_kind(tmp_path: Path, kind: str) -> None:
    assert "berkas kosong" in content_error(tmp_path, b"", contract("a", file_format=kind)).message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"%PDF-1.7\n", "ini PDF, bukan berkas CSV"),
        (b"Rar!\x1a\x07\x00", "ini arsip RAR"),
        (b"\x89PNG\r\n", "ini gambar"),
        (b"\xff\xd8\xff\xe0", "ini gambar"),
        (b"MZ\x90\x00\x03", "ini program"),
        (b"SQLite format 3\x00", "ini basis data SQLite"),
        (b"PAR1xxxxPAR1", "ini berkas Parquet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ini buku kerja Excel"),
        (b"\xef\xbb\xbf<!DOCTYPE html><html>", "ini halaman web"),
        (b"<?xml version='1.0'?>", "ini dokumen XML"),
    ],
)
def test_file_of_another_kind_is_recognised_by_its_content(
    tmp_path: Path, content: bytes, message: str
) -> None:
    for kind in ("csv", "json"):
        error = content_error(tmp_path, content, contract("a", file_format=kind), f"data.{kind}")
        assert message.replace("CSV", kind.upper()) in error.message


def test_header_that_begins_with_mz_is_not_taken_for_a_program(tmp_path: Path) -> None:
    assert len(read(opened(contract("MZ", "b"), write(tmp_path, "MZ,b\n1,2\n")))) == 1


def test_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.csv").mkdir()
    assert "tidak dapat dibuka" in read_error(AB, tmp_path / "data.csv").message


def test_file_without_read_permission_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n1,2\n")
    path.chmod(0)
    upload = uploaded(path)
    me = os.geteuid()
    os.seteuid(65534 if me == 0 else me)  # root may read everything
    try:
        with pytest.raises(SourceError, match="tidak dapat dibuka: tidak ada hak akses"):
            open_file(AB, upload)
    finally:
        os.seteuid(me)


@pytest.mark.parametrize("change", ["longer", "shorter", "other bytes"])
def test_file_that_is_written_to_during_reading_is_refused_at_its_end(tmp_path: Path, change: str) -> None:
    path = write(tmp_path, "a,b\n" + "1,lama\n" * 100_000)
    stream = opened(AB, path)
    next(stream.blocks)
    with path.open("r+b") as file:
        if change == "shorter":
            file.truncate(600_000)
        else:
            file.seek(0, os.SEEK_END if change == "longer" else os.SEEK_SET)
            file.write(b"a,b\n9,baru\n")
    os.utime(path, (1, 1))
    with pytest.raises(SourceError, match="ditulisi selagi dibaca") as caught:
        list(stream.blocks)
    assert caught.value.transient


def test_closing_a_half_read_stream_closes_its_file(tmp_path: Path) -> None:
    stream = opened(AB, write(tmp_path, "a,b\n" + "1,x\n" * 200_000))
    next(stream.blocks)
    descriptors = Path("/dev/fd")
    before = len(list(descriptors.iterdir()))
    stream.blocks.close()  # type: ignore[attr-defined]
    assert len(list(descriptors.iterdir())) < before


def test_contract_without_an_upload_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="bukan unggahan"):
        opened(api_contract("a"), write(tmp_path, "a\n1\n"))


# --- the contract's extract


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"format": "dbf"}, "format 'dbf' tidak dikenal"),
        ({"encoding": "utf-7x"}, "encoding 'utf-7x' tidak dikenal"),
        ({"encoding": "hex"}, "encoding 'hex' tidak dikenal"),
        ({"delimiter": ";;"}, "delimiter ';;'"),
        ({"quote": "''"}, "quote"),
        ({"quote": ","}, "quote dan delimiter sama"),
        ({"header_row": 0}, "header_row 0"),
        ({"header_rows": "2"}, "header_rows bukan bilangan bulat"),
        ({"format": "xlsx", "sheet": "a", "sheets": "b"}, "tulis salah satu"),
        ({"sheet": "Data"}, "sheet tidak berlaku untuk csv"),
        ({"format": "xlsx", "comment": "#"}, "comment tidak berlaku untuk xlsx"),
        ({"format": "json", "header_row": 2}, "header_row tidak berlaku untuk json"),
        ({"format": "json", "records": "data"}, "bukan JSON pointer"),
        ({"totals": {"a": "("}}, "bukan regular expression"),
    ],
)
def test_invalid_or_contradicting_extract_is_a_fault_of_its_contract(
    tmp_path: Path, wrong: dict[str, Any], message: str
) -> None:
    extract = {"format": "csv", "pattern": "*", **wrong}
    doc = documents.document(
        "uji/berkas", [documents.column("a")], documents.upload("uji/berkas", "csv"), extract=extract
    )
    contract_, (fault,) = read_contract(documents.write(tmp_path, doc))
    assert contract_ is None
    assert message in fault.message


def test_sheet_name_is_a_column_only_of_workbooks(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="@sheet"):
        contract(column("a", "@sheet"))


def test_closing_an_unread_stream_closes_its_file(tmp_path: Path) -> None:
    def is_open() -> bool:
        return any(link.resolve() == path for link in Path("/proc/self/fd").iterdir())

    path = write(tmp_path, "a,b\n1,2\n")
    stream = opened(AB, path)
    assert is_open()
    stream.close()
    assert not is_open()
