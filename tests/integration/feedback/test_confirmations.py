"""An OPD confirms that an unusual value is right; only then, and only where the contract allows it, its row is loaded."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipelines.contracts.upload import CONFIRM_COLUMN, NOTE_COLUMN, copy_name
from pipelines.errors import GudangError
from pipelines.feedback.confirm import confirm, confirmed, waiting, withdraw
from tests.support.contracts import column, database
from tests.support.feedback import ToldOpd, findings_in, summary_in

COLUMNS = (
    column("kode", required=True, primaryKey=True),
    column("jumlah", "integer", konfirmasi=["maximum"], logicalTypeOptions={"maximum": 100}),
)
PERSONAL = (
    column("kode", required=True),
    column(
        "nama",
        classification="pribadi",
        pseudonymise="orang",
        konfirmasi=["panjang"],
        logicalTypeOptions={"maxLength": 12},
    ),
)
RAW = "select kode, jumlah from raw.uji__data order by kode"
OPEN = "select row_key from quarantine.row where state = 'open' order by row_key"


@pytest.fixture
def opd(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ToldOpd]:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "kunci-uji-yang-panjangnya-cukup-32")
    made = ToldOpd(warehouse_url, tmp_path)
    yield made
    made.loads.connection.close()


def send(opd: ToldOpd, contract: Any, folder: Path, text: str) -> str:
    file = folder / "data.csv"
    file.write_text(text)
    return opd.send(contract, file)


def write_confirmation(marked: Path, key: str, text: str) -> None:
    """Fills the OPD's column of one row of a marked file."""
    if marked.suffix == ".csv":
        with marked.open(newline="") as file:
            rows = [*csv.reader(file)]
        at = rows[0].index(CONFIRM_COLUMN)
        next(row for row in rows if row[0] == key)[at] = text
        with marked.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        return
    book = openpyxl.load_workbook(marked)
    sheet = book["Data"]
    at = [cell.value for cell in sheet[1]].index(CONFIRM_COLUMN)
    next(row for row in sheet.iter_rows() if row[0].value == key)[at].value = text
    book.save(marked)


@pytest.mark.parametrize("back", ["csv", "xlsx"])
def test_confirmation_in_the_marked_file(back: str, opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS, extract={"pattern": "*.csv"})
    assert send(opd, contract, tmp_path, "kode,jumlah\nA,1\nB,500\nC,600\nD,x\nE,700\n") == "loaded"
    opd.tell()
    (folder,) = opd.folders()
    assert {f["tingkat"] for f in findings_in(folder) if f["kolom"] == "jumlah" and f["kunci"] != "D"} == {
        "perlu konfirmasi"
    }
    marked = folder / copy_name("data.csv", f".{back}")
    write_confirmation(marked, "B", "Memang benar: sudah dihitung ulang, NIK 6402014105900001")
    write_confirmation(marked, "C", "memang benar")
    write_confirmation(marked, "D", "memang benar: sekali")
    assert opd.send(contract, marked) == "loaded"
    assert opd.loads.run(RAW) == [("A", 1), ("B", 500)]
    assert opd.loads.run(OPEN) == [("C",), ("D",), ("E",)]
    kept = opd.loads.run(
        "select column_name, rule, confirmed_by, via, reason, batch_id from quarantine.confirmation"
    )
    assert [row[:4] for row in kept] == [("jumlah", "maximum", "uji", "file")]
    assert kept[0][4].startswith("sudah dihitung ulang") and "6402014105900001" not in kept[0][4]
    assert opd.loads.run("select batch_id, rows_confirmed from ops.load_batch order by 1") == [
        (kept[0][5] - 1, 0),
        (kept[0][5], 1),
    ]

    opd.tell()
    folder = opd.folders()[-1]
    assert "1 baris diterima atas konfirmasi." in summary_in(folder)["catatan"]
    assert {f["kunci"]: f["status"] for f in findings_in(folder)} == {
        "B": "diterima atas konfirmasi", "C": "terbuka", "D": "terbuka", "E": "terbuka",
    }  # fmt: skip
    with (folder / "data.csv").open(newline="") if back == "csv" else (tmp_path / "data.csv").open() as file:
        notes = {row["kode"]: row.get(NOTE_COLUMN, "") for row in csv.DictReader(file)}
    if back == "csv":
        assert notes["A"] == notes["B"] == ""
        assert "tanpa alasan" in notes["C"] and "harus diperbaiki" in notes["D"]
        assert "memang benar: <alasan>" in notes["E"]

    # The confirmation holds for this value of this row only.
    assert send(opd, contract, tmp_path, "kode,jumlah\nA,500\nB,501\nC,1\n") == "loaded"
    assert opd.loads.run(OPEN) == [("A",), ("B",)]
    assert send(opd, contract, tmp_path, "kode,jumlah\nB,500\n") == "loaded"
    assert opd.loads.run(RAW) == [("B", 500)]
    assert opd.loads.run(
        "select passed, severity from ops.check_result where check_name = 'rentang_jumlah'"
        " order by at desc limit 1"
    ) == [(False, "warn")]
    opd.tell()
    assert opd.states()[-1] == "clean"


def test_confirmation_by_a_person_is_used_by_the_next_load_of_the_same_file(
    opd: ToldOpd, tmp_path: Path
) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS)
    send(opd, contract, tmp_path, "kode,jumlah\nA,1\nB,500\nC,x\n")
    (one,) = waiting(opd.loads.connection, contract, 10)
    assert (one.column_name, one.rule, one.value) == ("jumlah", "maximum", "500")
    ((hard,),) = opd.loads.run("select entry_id from quarantine.row where row_key = 'C'")
    by = {"by": "ani", "via": "command"}
    for entries, reason, message in (
        ([one.entry_id], " ", "alasannya belum diisi"),
        ([one.entry_id, hard], "benar", "tidak dapat dikonfirmasi"),
        ([987654], "benar", "tidak ada"),
    ):
        with pytest.raises(GudangError, match=message):
            confirm(opd.loads.connection, contract, entries, reason=reason, **by)
    assert opd.loads.run("select count(*) from quarantine.confirmation") == [(0,)]
    assert confirm(opd.loads.connection, contract, [one.entry_id], reason="panen raya", **by) == 1
    assert waiting(opd.loads.connection, contract, 10) == []
    assert opd.load(contract) == "loaded"
    assert opd.loads.run(RAW) == [("A", 1), ("B", 500)]
    assert opd.loads.run(OPEN) == [("C",)]
    assert opd.load(contract) in ("none", "unchanged")


def test_personal_value_is_kept_as_a_keyed_hash_only(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", *PERSONAL)
    text = "kode,nama\nA,Siti Nama Yang Panjang\nB,Ani\n"
    send(opd, contract, tmp_path, text)
    (one,) = waiting(opd.loads.connection, contract, 10)
    confirm(opd.loads.connection, contract, [one.entry_id], by="ani", via="loket", reason="memang panjang")
    assert opd.load(contract) == "loaded"
    assert opd.loads.run("select kode from raw.uji__data order by kode") == [("A",), ("B",)]
    kept = opd.loads.run("select c::text from quarantine.confirmation c") + opd.loads.run(
        "select q::text from quarantine.row q"
    )
    assert not any("Siti" in text for (text,) in kept)


def test_rule_that_is_no_longer_soft_refuses_again(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS)
    send(opd, contract, tmp_path, "kode,jumlah\nA,1\nB,500\n")
    (one,) = waiting(opd.loads.connection, contract, 10)
    confirm(opd.loads.connection, contract, [one.entry_id], by="ani", via="command", reason="benar")
    hard = opd.dataset(
        "uji/data", "csv", COLUMNS[0], column("jumlah", "integer", logicalTypeOptions={"maximum": 100})
    )
    opd.load(hard)
    assert opd.loads.run(OPEN) == [("B",)]
    assert waiting(opd.loads.connection, hard, 10) == []


def test_rule_that_becomes_soft_can_be_confirmed(opd: ToldOpd, tmp_path: Path) -> None:
    hard = opd.dataset(
        "uji/data", "csv", COLUMNS[0], column("jumlah", "integer", logicalTypeOptions={"maximum": 100})
    )
    send(opd, hard, tmp_path, "kode,jumlah\nA,1\nB,500\n")
    ((entry,),) = opd.loads.run("select entry_id from quarantine.row where state = 'open'")
    soft = opd.dataset("uji/data", "csv", *COLUMNS)
    for contract in (hard, soft):
        with pytest.raises(GudangError, match="tidak dapat dikonfirmasi"):
            confirm(opd.loads.connection, contract, [entry], by="ani", via="command", reason="benar")
    opd.load(soft)
    (one,) = waiting(opd.loads.connection, soft, 10)
    assert confirm(opd.loads.connection, soft, [one.entry_id], by="ani", via="command", reason="benar") == 1
    opd.load(soft)
    assert opd.loads.run(RAW) == [("A", 1), ("B", 500)]


def test_a_confirmation_that_was_taken_back_refuses_the_row_again(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS)
    connection = opd.loads.connection
    send(opd, contract, tmp_path, "kode,jumlah\nA,1\nB,500\nC,600\n")
    entries = [one.entry_id for one in waiting(connection, contract, 10)]
    confirm(connection, contract, entries, by="ani", via="command", reason="panen raya")
    assert opd.load(contract) == "loaded"
    assert opd.loads.run(RAW) == [("A", 1), ("B", 500), ("C", 600)]

    of_b = next(one for one in confirmed(connection, contract, 10) if one.value == "500")
    assert (of_b.place, of_b.confirmed_by, of_b.reason) == ("baris 3", "ani", "panen raya")
    by = {"by": "budi", "via": "command"}
    with pytest.raises(GudangError, match="alasannya belum diisi"):
        withdraw(connection, contract, [of_b.confirmation_id], reason=" ", **by)
    with pytest.raises(GudangError, match="987654 tidak ada"):
        withdraw(connection, contract, [of_b.confirmation_id, 987654], reason="keliru", **by)
    assert opd.loads.run("select count(*) from quarantine.withdrawal") == [(0,)]
    withdraw(connection, contract, [of_b.confirmation_id], reason="salah ketik, 6402014105900001", **by)
    with pytest.raises(GudangError, match="sudah ditarik"):
        withdraw(connection, contract, [of_b.confirmation_id], reason="keliru", **by)
    assert opd.loads.run("select withdrawn_by, via, reason from quarantine.withdrawal") == [
        ("budi", "command", "salah ketik, ***")
    ]

    # The same file is read again, without anybody sending it.
    assert opd.load(contract) == "loaded"
    assert opd.loads.run(RAW) == [("A", 1), ("C", 600)]
    assert opd.loads.run(OPEN) == [("B",)]
    assert opd.load(contract) in ("none", "unchanged")
    # It can be confirmed anew.
    (one,) = waiting(connection, contract, 10)
    confirm(connection, contract, [one.entry_id], by="ani", via="loket", reason="diperiksa lagi")
    assert opd.load(contract) == "loaded"
    assert opd.loads.run(RAW) == [("A", 1), ("B", 500), ("C", 600)]
    assert sorted(one.reason for one in confirmed(connection, contract, 10)) == [
        "diperiksa lagi",
        "panen raya",
    ]


def test_the_only_confirmation_can_be_taken_back(opd: ToldOpd, tmp_path: Path) -> None:
    """The rules are then those of before it, and the row is judged again all the same."""
    contract = opd.dataset("uji/data", "csv", *COLUMNS)
    send(opd, contract, tmp_path, "kode,jumlah\nA,1\nB,500\n")
    (one,) = waiting(opd.loads.connection, contract, 10)
    confirm(opd.loads.connection, contract, [one.entry_id], by="ani", via="command", reason="benar")
    assert opd.load(contract) == "loaded"
    (kept,) = confirmed(opd.loads.connection, contract, 10)
    by = {"by": "ani", "via": "command"}
    withdraw(opd.loads.connection, contract, [kept.confirmation_id], reason="keliru", **by)
    assert opd.load(contract) == "loaded"
    assert opd.loads.run(RAW) == [("A", 1)] and opd.loads.run(OPEN) == [("B",)]
    assert opd.load(contract) in ("none", "unchanged")


def test_a_marked_file_may_confirm_again_what_was_taken_back(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS)
    send(opd, contract, tmp_path, "kode,jumlah\nB,500\n")
    (one,) = waiting(opd.loads.connection, contract, 10)
    confirm(opd.loads.connection, contract, [one.entry_id], by="ani", via="command", reason="benar")
    opd.load(contract)
    (kept,) = confirmed(opd.loads.connection, contract, 10)
    by = {"by": "ani", "via": "command"}
    withdraw(opd.loads.connection, contract, [kept.confirmation_id], reason="keliru", **by)
    text = f"kode,jumlah,{CONFIRM_COLUMN}\nB,500,memang benar: dihitung ulang\n"
    (tmp_path / copy_name("data.csv", ".csv")).write_text(text)
    assert opd.send(contract, tmp_path / copy_name("data.csv", ".csv")) == "unchanged"
    assert opd.loads.run(RAW) == [("B", 500)]
    assert [one.reason for one in confirmed(opd.loads.connection, contract, 10)] == ["dihitung ulang"]


def test_row_of_a_database_is_asked_for_again(opd: ToldOpd) -> None:
    contract = opd.loads.contract(
        *COLUMNS, column("diubah", "timestamp", required=True), key="uji/data", server=database("UJI_URL"),
        max_quarantine_share=1, write_disposition="merge", cursor="diubah",
    )  # fmt: skip
    asked: list[str | None] = []

    def rows(_: Any, since: str | None) -> list[tuple[str, ...]]:
        asked.append(since)
        found = [("A", "1", "2026-01-03 00:00:00"), ("B", "500", "2026-01-02 00:00:00")]
        return [row for row in found if since is None or row[2].replace(" ", "T") >= since]

    opd.loads.load(contract, rows)
    opd.loads.load(contract, rows)
    (one,) = waiting(opd.loads.connection, contract, 10)
    confirm(opd.loads.connection, contract, [one.entry_id], by="ani", via="command", reason="benar")
    assert opd.loads.load(contract, rows).confirmed == 1
    assert opd.loads.run(RAW) == [("A", 1), ("B", 500)]
    assert opd.loads.run(OPEN) == []
    assert asked == [None, "2026-01-03T00:00:00", "2026-01-02T00:00:00"]


def test_one_cell_of_a_row_with_many_faults_is_confirmed(opd: ToldOpd, tmp_path: Path) -> None:
    many = [column(f"a{number}", "integer") for number in range(12)]
    contract = opd.dataset("uji/data", "csv", *COLUMNS, *many)
    header = ",".join(["kode", "jumlah", *(one["name"] for one in many)])
    send(opd, contract, tmp_path, f"{header}\nA,500{',x' * len(many)}\n")
    ((entry,),) = opd.loads.run("select entry_id from quarantine.row")
    done = confirm(
        opd.loads.connection,
        contract,
        [entry],
        by="ani",
        via="loket",
        reason="benar",
        only=("jumlah", "maximum"),
    )
    assert done == 1
