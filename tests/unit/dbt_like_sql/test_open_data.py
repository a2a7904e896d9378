"""Each dataset that the walidata opened feeds open data, or its staging model gives the reason why not.

The contract opens a dataset by `publish: true`; the reason is `meta.tidak_terbit`. A dataset without `publish` is not
examined here. publication/clearance.py decides what of it may be published.

The test follows the lineage from each column of an open mart to the columns of raw.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import pytest

from pipelines.models.lineage.lineage import Lineage, column_lineage
from pipelines.models.project.nodes import Project
from pipelines.publication.mart import OpenMart, open_marts
from tests.support.repository import own_contracts, own_project

CONTRACTS = {c.key: c for c in own_contracts()}
PLACE_COLUMNS = {"kode_kabupaten_kota", "kode_kecamatan", "kabupaten_kota", "kecamatan"}
"""A mart that gets only a place from a dataset is not open data of this dataset."""
WALIDATA = "Dinas Komunikasi dan Informatika"
"""The producer of what the warehouse itself records: marts of its ledger and of quality."""
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
def columns_in_open_marts() -> dict[str, dict[str, set[str]]]:
    """Raw table -> open mart -> the raw columns from which the mart's columns come."""
    found: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for mart in open_marts(project()):
        for published in mart.columns:
            for table, column in origins((mart.relation, published.name)):
                found[table][mart.name].add(column)
    return {table: dict(marts) for table, marts in found.items()}


def open_marts_of(key: str) -> set[str]:
    """The open marts that publish more of a dataset than its places."""
    marts = columns_in_open_marts().get(f"raw.{CONTRACTS[key].table}", {})
    return {mart for mart, columns in marts.items() if columns - PLACE_COLUMNS}


def reason(key: str) -> str:
    staging = project().nodes.get(f"stg_{CONTRACTS[key].table}")
    return str(staging.meta.get("tidak_terbit") or "") if staging else ""


@pytest.mark.parametrize("key", [key for key, contract in CONTRACTS.items() if contract.publish])
def test_opened_dataset_feeds_an_open_mart_or_gives_a_reason(key: str) -> None:
    if reason(key):
        assert not open_marts_of(key), f"{key} has meta.tidak_terbit, but feeds an open mart"
    else:
        assert open_marts_of(key), (
            f"{key} feeds no open mart: make one, or give the reason in meta.tidak_terbit of its staging model"
        )


@pytest.mark.parametrize("mart", open_marts(own_project()), ids=lambda mart: mart.name)
def test_open_mart_has_what_a_portal_asks_for(mart: OpenMart) -> None:
    """A licence, keywords, and producers that are those of the data in it."""
    assert mart.licence, "name one in the mart's YAML, or in meta.lisensi of the exposure portal_satu_data"
    assert mart.keywords, "name some in meta.kata_kunci"
    assert mart.producers, "name them in meta.produsen"
    known = {c.producer for c in CONTRACTS.values() if mart.name in open_marts_of(c.key)}
    assert set(mart.producers) <= known | {WALIDATA}


def test_dataset_that_gives_a_mart_only_a_place_does_not_feed_it() -> None:
    """The mart of visits takes only the kecamatan from dinkes/puskesmas, whose open data is the list of puskesmas."""
    assert columns_in_open_marts()["raw.dinkes__puskesmas"]["layanan_kesehatan_bulanan"] == {"kode_kecamatan"}
    assert open_marts_of("dinkes/puskesmas") == {"daftar_puskesmas"}
    assert open_marts_of("dinsos/rekap_dtks") == {"keluarga_dtks", "keluarga_dtks_jumlah"}
    assert open_marts_of("diskominfo/penilaian_spbe") == {"indeks_instrumen", "indeks_spbe"}
