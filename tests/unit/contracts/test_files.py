"""A fault of a contract names its line, the problem, and what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.files import read_contract
from tests.support.contracts import column, database, document, write

ID = column("id", "bigint", primaryKey=True)


def only_fault(folder: Path, *columns: dict[str, Any], **custom: Any) -> tuple[str, str]:
    """The only fault with its hint, and the text of the line that it names."""
    doc = document("dinas/uji", [ID, *columns], database("UJI_URL"), extract={"table": "t"}, **custom)
    (fault,) = read_contract(write(folder, doc))[1]
    return f"{fault.message} ({fault.hint})", fault.path.read_text("utf-8").splitlines()[
        fault.line - 1
    ].strip()


@pytest.mark.parametrize(
    ("custom", "line"),
    [
        ({"write_disposition": "merge", "cursor": "tiada"}, "- property: cursor"),
        ({"cursor": "id"}, "- property: cursor"),
        ({"lag": "P1D"}, "- property: lag"),
        ({"reconcile": "P1D"}, "- property: reconcile"),
        ({"merge_strategy": "scd2"}, "- property: merge_strategy"),
    ],
)
def test_contradicting_custom_property_is_reported_at_its_line(
    tmp_path: Path, custom: dict[str, Any], line: str
) -> None:
    assert only_fault(tmp_path, **custom)[1] == line


def test_repeated_column_name_is_reported_at_the_second(tmp_path: Path) -> None:
    message, line = only_fault(tmp_path, column("nama"), column("kode"), column("nama", "date"))
    assert "dua properti bernama nama" in message and line == "- name: nama"
    doc = (tmp_path / "dinas/uji.odcs.yaml").read_text("utf-8").splitlines()
    assert read_contract(tmp_path / "dinas/uji.odcs.yaml")[1][0].line == max(
        n for n, text in enumerate(doc, 1) if text.strip() == "- name: nama"
    )


def test_personal_column_without_protection_is_reported_at_its_line(tmp_path: Path) -> None:
    message, line = only_fault(tmp_path, column("nik", classification="pribadi"))
    assert "nik: kolom pribadi akan tersimpan apa adanya" in message and line == "- name: nik"


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("decimal(12,2)", "maksudnya numeric(12,2)? yang dikenal: text, smallint,"),
        ("decimal", "maksudnya numeric(p,s)? yang dikenal: text,"),
        ("varchar(20)", "maksudnya text? yang dikenal:"),
        ("datetime", "maksudnya timestamp? yang dikenal:"),
        (
            "bilangan",
            "(yang dikenal: text, smallint, integer, bigint, numeric(p,s), double precision, boolean, date, time,",
        ),
    ],
)
def test_unknown_type_is_reported_with_all_types_and_the_likely_one(
    tmp_path: Path, given: str, hint: str
) -> None:
    message, line = only_fault(tmp_path, {**column("a"), "physicalType": given})
    assert hint in message and line == f"physicalType: {given}"


def test_number_or_boolean_in_place_of_a_text_is_shown_in_quotes(tmp_path: Path) -> None:
    message, line = only_fault(tmp_path, {**column("a"), "physicalName": 2010})
    assert message.startswith("2010 adalah angka, padahal harus teks (tulis dalam tanda kutip: '2010'")
    assert line == "physicalName: 2010"
    message, _ = only_fault(tmp_path, {**column("a"), "physicalName": True})
    assert message.startswith("YAML membaca ini sebagai true, padahal harus teks (tulis dalam tanda kutip")
