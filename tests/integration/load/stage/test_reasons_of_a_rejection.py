"""A rejected load says which rules its rows broke most, in how many, and which repair of the contract would help."""

from __future__ import annotations

from typing import Any

from pipelines.contracts.model import Contract
from pipelines.extract.stream import SourceStream, encode_rows
from pipelines.load.ledger import Batch
from pipelines.load.loader import load
from pipelines.quality.gate import GateResult, quarantine_share
from tests.support.contracts import column
from tests.support.loads import Loads, Row


def rejected(loads: Loads, columns: list[dict[str, Any]], rows: list[Row]) -> Batch:
    contract = loads.contract(*columns)
    batch = loads.load(contract, lambda *_: rows, gate=lambda staged: GateResult((quarantine_share(staged),)))
    assert batch.state == "rejected"
    return batch


def test_a_rejection_names_three_reasons_with_their_counts_and_repairs(loads: Loads) -> None:
    columns = [
        column("id", "integer"),
        column("tanggal", "date"),
        column("nilai", "numeric(8,2)"),
        column("aktif", "boolean"),
        column("harga", "numeric(8,2)"),
    ]
    rows: list[Row] = [[str(n), "31/12/2024", "1.234,50", "true", "1.5"] for n in range(7)]
    rows += [[str(n), "2024-12-31", "1.50", "Ya", "1.555"] for n in range(7, 12)]
    rows += [["x", "kapan-kapan", "1.50", "true", "1"]]
    batch = rejected(loads, columns, rows)
    assert batch.error is not None and batch.error.split("alasan terbanyak: ")[1] == (
        "tanggal: bukan tanggal (tttt-bb-hh), 8 baris (parse: tanggal_id?)"
        "; nilai: bukan angka, 7 baris (parse: angka_id?)"
        "; aktif: bukan true/false, 5 baris (parse: boolean_id?) [GDK-M011]"
    )
    assert loads.run("select error from ops.load_batch") == [(batch.error,)]


def test_a_value_that_would_be_rounded_names_the_repair_that_allows_it(loads: Loads) -> None:
    rows: list[Row] = [["1", "1.555", "2024-05-01 10:00"], ["2", "2.555", "2024-05-01 11:00"]]
    batch = rejected(
        loads, [column("id", "integer"), column("nilai", "numeric(8,2)"), column("tanggal", "date")], rows
    )
    assert "di belakang koma, dan tidak dibulatkan begitu saja, 2 baris (parse: bulatkan?)" in (
        batch.error or ""
    )
    assert "memuat jam, dan tidak dipotong begitu saja, 2 baris (parse: tanggal_saja?)" in (batch.error or "")
    hints = loads.run(
        "select distinct jsonb_path_query(reasons, '$[*].perbaikan') #>> '{}' from quarantine.row"
    )
    assert any("izinkan di kontrak dengan parse: bulatkan" in hint for (hint,) in hints)


def test_a_repair_is_named_with_the_declared_ones_and_only_if_it_helps(
    loads: Loads,
) -> None:
    columns = [
        column("id", "integer"),
        column("nilai", "numeric(8,2)", parse=["catatan_kaki"]),
        column("kode"),
    ]
    columns[2]["logicalTypeOptions"] = {"pattern": "^[A-Z]{2}$"}
    rows: list[Row] = [[str(n), "1.234,5 *)", "7"] for n in range(3)]
    error = rejected(loads, columns, rows).error or ""
    assert "nilai: bukan angka, 3 baris (parse: [catatan_kaki, angka_id]?)" in error
    assert "kode: tidak sesuai pola ^[A-Z]{2}$, 3 baris" in error and error.endswith("3 baris [GDK-M011]")


def test_duplicate_keys_are_a_reason_too(loads: Loads) -> None:
    batch = rejected(loads, [column("id", "integer", primaryKey=True)], [["1"], ["1"], ["1"], ["x"]])
    assert (batch.error or "").split("terbanyak: ")[1] == (
        "id: kunci sudah dipakai baris lain, 2 baris; id: bukan bilangan bulat, 1 baris [GDK-M011]"
    )


def test_a_column_that_lands_typed_has_reasons_without_a_repair(loads: Loads) -> None:
    """A database gives it in the contract's type, so there is no text that a repair could read."""
    contract = loads.contract(
        column("id", "integer", primaryKey=True),
        column("umur", "integer", logicalTypeOptions={"maximum": 150}),
    )
    rows: list[Row] = [[str(n), "999"] for n in range(9)]

    def opener(of: Contract, _: str | None) -> SourceStream:
        stream = SourceStream(("id", "umur"), iter(()), "data", exact=frozenset({"id", "umur"}))
        stream.blocks = encode_rows(rows, stream)
        return stream

    batch = load(
        loads.connection,
        contract,
        opener,
        lambda staged: GateResult((quarantine_share(staged),)),
        run_id="uji",
    )
    assert batch is not None and batch.state == "rejected"
    assert "alasan terbanyak: umur: di luar rentang, paling besar 150, 9 baris" in (batch.error or "")
    assert loads.run("select count(*) from quarantine.row") == [(9,)]
