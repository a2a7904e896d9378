"""Contracts become sources of dbt: one per OPD, without the columns that are never stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.contracts.model import Contract
from pipelines.models.project.sources import render_sources
from pipelines.warehouse.relation import Relation
from tests.support.contracts import column, database, document, make
from tests.support.dbt_folder import DbtFolder


def contract(folder: Path, key: str, title: str, *columns: dict[str, Any], **custom: Any) -> Contract:
    made = document(key, list(columns), database("UJI_URL"), extract={"table": "x"}, **custom)
    return make(folder / "contracts", made | {"name": title})


def test_contract_becomes_a_source_table_of_its_opd(tmp_path: Path) -> None:
    contracts = [
        contract(tmp_path, "dinkes/puskesmas", "Puskesmas", column("kode")),
        contract(tmp_path, "dlh/ispu", "ISPU", column("waktu")),
        contract(
            tmp_path,
            "dinkes/kunjungan",
            "Kunjungan",
            column("id", description="Nomor:\n kunjungan."),
            column("nama", drop=True),
        ),
    ]
    folder = DbtFolder(tmp_path).write("models/sources.yml", render_sources(contracts))
    sources = folder.project().sources
    assert set(sources) == {("dinkes", "kunjungan"), ("dinkes", "puskesmas"), ("dlh", "ispu")}
    kunjungan = sources["dinkes", "kunjungan"]
    assert (kunjungan.relation, kunjungan.description) == (Relation("raw", "dinkes__kunjungan"), "Kunjungan")
    assert [c.name for c in kunjungan.columns] == ["id", "_batch_id", "_loaded_at", "_source_position"]
    assert kunjungan.columns[0].description == "Nomor: kunjungan."


def test_order_of_contracts_does_not_matter(tmp_path: Path) -> None:
    contracts = [contract(tmp_path, key, key, column("id")) for key in ("a/x", "b/y", "a/w")]
    assert render_sources(contracts) == render_sources(reversed(contracts))


def test_columns_that_loads_add_are_described(tmp_path: Path) -> None:
    versions = contract(
        tmp_path,
        "bkd/pegawai",
        "Pegawai",
        column("nip", primaryKey=True),
        write_disposition="merge",
        merge_strategy="scd2",
    )
    marked = contract(
        tmp_path,
        "bapenda/pkb",
        "PKB",
        column("id", primaryKey=True),
        write_disposition="merge",
        reconcile="P7D",
        schema_contract="evolve",
    )
    sources = (
        DbtFolder(tmp_path).write("models/sources.yml", render_sources([versions, marked])).project().sources
    )
    own = ["_batch_id", "_loaded_at", "_source_position"]
    assert [c.name for c in sources["bkd", "pegawai"].columns] == [
        "nip",
        "valid_from",
        "valid_to",
        "is_current",
        *own,
    ]
    assert [c.name for c in sources["bapenda", "pkb"].columns] == ["id", "_extra", "deleted_at", *own]
    assert all(c.description for c in sources["bapenda", "pkb"].columns)
