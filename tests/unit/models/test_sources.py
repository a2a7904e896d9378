"""Contracts become dbt sources: one per OPD, without the columns that are never stored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.load.swap import Relation
from pipelines.models.sources import render_sources
from tests.support.dbt_folder import DbtFolder


@dataclass(frozen=True)
class Column:
    name: str
    description: str
    dropped: bool = False


@dataclass(frozen=True)
class Contract:
    opd: str
    dataset: str
    title: str
    columns: tuple[Column, ...]


def test_a_contract_is_a_source_table_of_its_opd(tmp_path: Path) -> None:
    contracts = [
        Contract("dinkes", "puskesmas", "Puskesmas", (Column("kode", "Kode."),)),
        Contract("dlh", "ispu", "ISPU", (Column("waktu", "Waktu."),)),
        Contract(
            "dinkes",
            "kunjungan",
            "Kunjungan",
            (Column("id", "Nomor:\n kunjungan."), Column("nama", "Nama.", True)),
        ),
    ]
    folder = DbtFolder(tmp_path).write("models/sources.yml", render_sources(contracts))
    sources = folder.project().sources
    assert set(sources) == {("dinkes", "kunjungan"), ("dinkes", "puskesmas"), ("dlh", "ispu")}
    kunjungan = sources["dinkes", "kunjungan"]
    assert (kunjungan.relation, kunjungan.description) == (Relation("raw", "dinkes__kunjungan"), "Kunjungan")
    assert [c.name for c in kunjungan.columns] == ["id", "_batch_id", "_loaded_at", "_source_position"]
    assert kunjungan.columns[0].description == "Nomor: kunjungan."


def test_the_order_of_contracts_does_not_matter() -> None:
    contracts = [Contract("a", "x", "X", ()), Contract("b", "y", "Y", ()), Contract("a", "w", "W", ())]
    assert render_sources(contracts) == render_sources(reversed(contracts))
