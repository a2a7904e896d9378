"""A row with cells in the wrong columns: quarantine masks every cell that may be personal. All people are made up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.contracts import column
from tests.support.loads import Loads, Row

NIK, NAME, PHONE = "6472015203900001", "SITI REKAAN", "0812-3456-7890"
PUBLIC = [
    column("nomor", "integer", primaryKey=True),
    column("keluhan"),
    column("nik", classification="pribadi", pseudonymise="warga"),
    column("nama", classification="pribadi", drop=True),
    column("dusun"),
    column("kelamin", enum=[{"value": "L"}, {"value": "P"}]),
    column("umur", "integer", logicalTypeOptions={"maximum": 150}),
    column("catatan"),
]


@pytest.fixture
def loads(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loads]:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 40)
    made = Loads(warehouse_url, tmp_path)
    yield made
    made.connection.close()


def quarantined(loads: Loads, *rows: Row) -> list[dict[str, Any]]:
    contract = loads.contract(*PUBLIC, max_quarantine_share=1.0)
    loads.load(contract, lambda *_: rows)
    return [row for (row,) in loads.run("select to_jsonb(q) from quarantine.row q order by entry_id")]


def test_cells_that_may_be_shifted_are_masked_and_valid_ones_shown(loads: Loads) -> None:
    """The source gives nomor, keluhan, nik, dusun, kelamin, umur and catatan. It is never read for nama."""
    (entry,) = quarantined(loads, ["7", "demam", NIK, NAME, "Perempuan", "34", f"hubungi {PHONE}"])
    assert entry["row"] == {
        "nomor": "7",
        "keluhan": "***",  # free text beside nik
        "nik": "***",
        "dusun": "***",  # beside the dropped name: a name breaks no rule here
        "kelamin": "***",  # breaks its own rule
        "umur": "34",
        "catatan": "***",
    }
    assert [(r["kolom"], r["aturan"], r["nilai"]) for r in entry["reasons"]] == [
        ("kelamin", "klasifikasi", "***")
    ]
    assert (entry["row_key"], entry["source_position"]) == ("7", "kunci 7")


def test_a_personal_number_in_the_key_is_masked_and_rows_stay_distinct(loads: Loads) -> None:
    entries = quarantined(
        loads,
        [NIK, "a", None, "x", "L", "200", "y"],
        ["6472015203900002", "a", None, "x", "L", "200", "y"],
        ["8", "a", None, "x", "L", NIK, "aman"],
    )
    assert [e["row"]["nomor"] for e in entries].count("***") == 2 and len(
        {e["row_hash"] for e in entries}
    ) == 3
    assert len({e["row_key"] for e in entries}) == 3
    assert {e["row"]["catatan"] for e in entries} == {"y", "aman"}
    stored = str(loads.run("select q::text from quarantine.row q"))
    assert "64720152" not in stored


def test_without_personal_columns_only_a_nik_is_masked(loads: Loads) -> None:
    contract = loads.contract(
        column("id", "integer"), column("catatan"), column("kode", logicalTypeOptions={"maxLength": 4})
    )
    loads.load(contract, lambda *_: [["satu", "NIK 6472-0152-0390-0001", "64721"], ["1", PHONE, "64721"]])
    rows = [row for (row,) in loads.run("select row from quarantine.row order by row->>'id'")]
    assert rows == [
        {"id": "1", "catatan": PHONE, "kode": "64721"},
        {"id": "satu", "catatan": "***", "kode": "64721"},
    ]
