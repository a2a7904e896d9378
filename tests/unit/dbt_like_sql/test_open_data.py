"""No dataset that the walidata opened is forgotten: it feeds open data, or its staging model says why not.

`publish: true` in the contract is their word, `meta.tidak_terbit` the reason. A dataset without it is nobody's open data
yet, and what may leave of it is decided by publication/clearance.py.

Derived, not listed: from each column that an open mart publishes back to the columns of raw, by lineage.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import pytest

from tests.support.repository import own_contracts, own_project
from tests.support.contracts import load_contracts
from pipelines.models.lineage.lineage import Lineage, column_lineage
from pipelines.models.project.nodes import Project
from pipelines.models.project.project import load_project
from pipelines.publication.mart import open_marts
from pipelines.settings import PROJECT_ROOT

CONTRACTS = {c.key: c for c in own_contracts()}
WHERE = {"kode_kabupaten_kota", "kode_kecamatan", "kabupaten_kota", "kecamatan"}
"""A dataset that gives a mart no more than a place is not what the mart is about."""
Column = tuple[str, str]
"""Relation `schema.name`, and a column of it."""


@cache
def project() -> Project:
    return own_project()


@cache
def lineage(name: str) -> Lineage:
    return column_lineage(project(), name)


@cache
def origins(column: Column) -> frozenset[Column]:
    """The columns of raw that a column comes from; none for reference data and the ledger."""
    relation, name = column
    if relation.startswith("raw."):
        return frozenset((column,))
    node = next((n for n in project().nodes.values() if f"{n.schema}.{n.name}" == relation), None)
    upstream = lineage(node.name).get(name, ()) if node else ()
    return frozenset(raw for found in upstream for raw in origins(found))


@cache
def fed() -> dict[str, dict[str, set[str]]]:
    """Raw table -> open mart -> the raw columns that it publishes something of."""
    found: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for mart in open_marts(project()):
        for published in mart.columns:
            for table, column in origins((mart.relation, published.name)):
                found[table][mart.name].add(column)
    return {table: dict(marts) for table, marts in found.items()}


def open_data_of(key: str) -> set[str]:
    """The open marts that publish more of a dataset than where."""
    marts = fed().get(f"raw.{CONTRACTS[key].table}", {})
    return {mart for mart, columns in marts.items() if columns - WHERE}


def reason(key: str) -> str:
    staging = project().nodes.get(f"stg_{CONTRACTS[key].table}")
    return str(staging.meta.get("tidak_terbit") or "") if staging else ""


@pytest.mark.parametrize("key", [key for key, contract in CONTRACTS.items() if contract.publish])
def test_an_opened_dataset_feeds_open_data_or_says_why_not(key: str) -> None:
    if reason(key):
        assert not open_data_of(key), f"{key} says that it is not open, and is"
    else:
        assert open_data_of(key), (
            f"{key} feeds no open mart: make one, or say why not in meta.tidak_terbit of its staging model"
        )


def test_a_place_alone_does_not_count() -> None:
    """dinkes/puskesmas gives the visits their kecamatan; the open data of it is the list of puskesmas."""
    assert fed()["raw.dinkes__puskesmas"]["layanan_kesehatan_bulanan"] == {"kode_kecamatan"}
    assert open_data_of("dinkes/puskesmas") == {"daftar_puskesmas"}
    assert open_data_of("dinsos/rekap_dtks") == {"keluarga_dtks", "keluarga_dtks_jumlah"}
    assert open_data_of("diskominfo/penilaian_spbe") == {"indeks_instrumen", "indeks_spbe"}
