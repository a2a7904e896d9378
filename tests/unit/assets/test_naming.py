"""Dagster accepts the definitions of every contract that loads, whatever names the contract uses."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from pipelines.assets.naming import definition_name, tag_value
from pipelines.assets.raw import raw_assets
from pipelines.jobs import jobs
from pipelines.settings import Settings
from tests.support.contracts import column, database, document, make

MONTHLY = {
    "write_disposition": "replace",
    "partition": {"column": "bulan", "every": "monthly", "start": "2026-01-01"},
}
HOSTILE = [
    "simrs-1",
    "simrs 1",
    "simrs_1",
    "server utama & cadangan",
    "PostgreSQL (produksi), lantai 2",
    "x" * 200,
    "x" * 199 + "y",
    "kesehatan—ibu & anak",
    "...",
    "données",
]


def test_any_name_of_a_server_and_domain_makes_valid_definitions(tmp_path: Path) -> None:
    contracts = []
    for number, name in enumerate(HOSTILE):
        doc = document(
            f"opd{number}/data", [column("id", "integer")], database("URL"), extract={"table": "t"}
        )
        doc["servers"][0]["server"] = name
        contracts.append(make(tmp_path, doc | {"domain": name}))
    settings = Settings(home=tmp_path, project=tmp_path, warehouse_url=None)
    assets = raw_assets(contracts, settings)
    dg.Definitions.validate_loadable(
        dg.Definitions(assets=assets, jobs=[jobs(contracts)[0]], resources={"warehouse": object()})
    )
    assert len({a.op.pool for a in assets}) == len(HOSTILE)


def test_dataset_named_like_a_check_of_another_dataset_makes_valid_definitions(tmp_path: Path) -> None:
    contracts = [
        make(
            tmp_path,
            document(f"dpkh/{name}", [column("id", "integer")], database("URL"), extract={"table": name}),
        )
        for name in ("hewan", "hewan_karantina", "hewan_ada_baris", "pakan")
    ]
    assets = raw_assets(contracts, Settings(home=tmp_path, project=tmp_path, warehouse_url=None))
    dg.Definitions.validate_loadable(dg.Definitions(assets=assets, resources={"warehouse": object()}))
    assert {a.op.pool for a in assets} == {"sumber_uji"}
    assert sorted(len(a.keys) for a in assets) == [2, 2]


def test_server_named_like_a_step_of_another_server_makes_valid_definitions(tmp_path: Path) -> None:
    contracts = []
    servers = [("bpkad", True), ("bpkad_monthly", False), ("bpkad_monthly_2", False), ("bpkad_monthly", True)]
    for number, (name, monthly) in enumerate(servers):
        doc = document(
            f"opd{number}/data",
            [column("id", "integer", primaryKey=True), column("bulan", "date", required=True)],
            database("URL"),
            extract={"table": "t"},
            **(MONTHLY if monthly else {}),
        )
        doc["servers"][0]["server"] = name
        contracts.append(make(tmp_path, doc))
    assets = raw_assets(contracts, Settings(home=tmp_path, project=tmp_path, warehouse_url=None))
    dg.Definitions.validate_loadable(dg.Definitions(assets=assets, resources={"warehouse": object()}))
    assert {next(iter(a.keys)).path[1]: (a.op.name, a.op.pool) for a in assets} == {
        "opd0": ("raw_bpkad_monthly", "sumber_bpkad"),
        "opd1": ("raw_bpkad_monthly_3", "sumber_bpkad_monthly"),
        "opd2": ("raw_bpkad_monthly_2", "sumber_bpkad_monthly_2"),
        "opd3": ("raw_bpkad_monthly_monthly", "sumber_bpkad_monthly"),
    }


def test_different_names_stay_different_and_valid_names_stay_unchanged() -> None:
    assert len({definition_name(name) for name in HOSTILE}) == len(HOSTILE)
    assert definition_name("simrs_1") == tag_value("simrs_1") == "simrs_1"
    assert tag_value("pemerintahan  umum") == "pemerintahan_umum"
