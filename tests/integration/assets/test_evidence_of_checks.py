"""A check that fails shows what it saw, SQL that finds the rows, and samples without personal values; raw stays."""

# ruff: noqa: S608  # the statements are the test's own
from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from pipelines.assets.raw import raw_assets
from pipelines.assets.warehouse import model_assets
from pipelines.contracts.model import Contract
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import Settings
from tests.support.contracts import column
from tests.support.dbt_folder import DbtFolder, expect, query
from tests.support.loads import Loads

NAME, NIK = "BUDI REKAAN", "6472010101900001"
PREGNANT = "jk = 'L' and icd like 'O%'"
COLUMNS = [
    column("id", "integer", primaryKey=True),
    column("nik", classification="pribadi", pseudonymise="pasien"),
    column("alamat", classification="terbatas"),
    column("jk"),
    column("icd"),
    column("catatan_nik"),
]


class Hospital:
    """A dataset with persons, its suite, a model that reads it, and Dagster."""

    def __init__(self, loads: Loads, folder: Path) -> None:
        self.loads = loads
        loads.run(
            "create table public.kunjungan as select g as id, nik, jk, alamat, icd, catatan_nik from ("
            f"select g, '{NIK}' as nik, case when g <= 3 then 'L' else 'P' end as jk, '{NAME}' as alamat,"
            f" 'O80' as icd, 'wali {NIK}' as catatan_nik from generate_series(1, 40) g) s"
        )
        self.contract: Contract = loads.contract(*COLUMNS, extract={"table": "kunjungan"})
        self.settings = Settings(home=folder / "home", project=folder, warehouse_url=loads.url)
        self.models = DbtFolder(self.settings.models_dir)
        self.models.suites = self.settings.expectations_dir

    def suite(self, severity: str) -> None:
        """Three rules that fail: over two columns, a number of rows, and over a closed and a personal column."""
        self.models.suite(
            "uji/data",
            query("hamil", f"select id from {{batch}} where {PREGNANT}", severity),
            expect("jumlah", "expect_table_row_count_to_be_between", "warning", min_value=100, max_value=400),
            query(
                "tertutup",
                "select id from {batch} where alamat <> '' and nik <> '' and catatan_nik <> ''",
                "warning",
            ),
        )

    def run(self, assets: list[dg.AssetsDefinition]) -> dict[str, dg.AssetCheckEvaluation]:
        """The evaluations of a run, after no event of it has a personal value."""
        with dg.DagsterInstance.ephemeral() as instance:
            result = dg.materialize(
                assets,
                instance=instance,
                resources={"warehouse": Warehouse(url=self.loads.url)},
                raise_on_error=False,
            )
            events = "".join(entry.to_json() for entry in instance.all_logs(result.run_id))
        kept = str(self.loads.run("select t::text from ops.check_result t, ops.load_batch b"))
        assert [value for value in (NAME, NIK, "REKAAN") if value in events or value in kept] == []
        return {e.check_name: e for e in result.get_asset_check_evaluations()}

    def load(self) -> dict[str, dg.AssetCheckEvaluation]:
        """Loads the dataset."""
        return self.run(raw_assets([self.contract], self.settings))


@pytest.fixture
def hospital(loads: Loads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hospital:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 40)
    monkeypatch.setenv("UJI_URL", loads.url)
    return Hospital(loads, tmp_path)


def rows(found: dg.AssetCheckEvaluation, name: str) -> list[dict[str, Any]]:
    table = found.metadata[name]
    assert isinstance(table, dg.TableMetadataValue)
    return [dict(record.data) for record in table.records]


def sql_of(found: dg.AssetCheckEvaluation) -> str:
    text = found.metadata["sql"].value
    assert isinstance(text, str)
    return text.split("```sql\n")[1].split("\n```")[0]


def test_rejected_load_shows_the_rows_and_changes_nothing(hospital: Hospital) -> None:
    hospital.suite("critical")
    found = hospital.load()["hamil"]
    assert not found.passed and found.severity == dg.AssetCheckSeverity.ERROR
    assert "(3 baris menyimpang) Contoh baris dan SQL" in (found.description or "")
    assert [(r["id"], r["jk"], r["icd"]) for r in rows(found, "contoh")] == [
        (str(n), "L", "O80") for n in (1, 2, 3)
    ]
    assert "Pemuatan ini ditolak" in str(found.metadata["sql"].value)
    assert hospital.loads.run(sql_of(found)) == []
    assert hospital.loads.run("select count(*) from raw.uji__data") == [(0,)]


def test_shown_sql_finds_the_rows_of_a_loaded_table_and_closed_values_are_masked(hospital: Hospital) -> None:
    hospital.suite("warning")
    found = hospital.load()
    assert [row[0] for row in hospital.loads.run(sql_of(found["hamil"]))] == [1, 2, 3]
    counted = found["jumlah"]
    assert "(40 baris, seharusnya 100 sampai 400)" in (counted.description or "")
    (row,) = rows(counted, "aturan")
    assert (row["nilai terlihat"], row["menyimpang"]) == ("40 baris, seharusnya 100 sampai 400", "")
    closed = rows(found["tertutup"], "contoh")
    assert len(closed) == 5, "a sample, not all 40"
    assert {(r["nik"], r["alamat"]) for r in closed} == {("***", "***")}
    assert all(NIK not in str(r["catatan_nik"]) for r in closed)
    assert len(hospital.loads.run(sql_of(found["tertutup"]))) == 40
    kept = hospital.loads.run(
        "select check_name, expectation, unexpected, observed, query is not null from ops.check_result"
        " where not passed order by 1"
    )
    assert kept == [
        ("hamil", "unexpected_rows_expectation", 3, None, True),
        (
            "jumlah",
            "expect_table_row_count_to_be_between",
            None,
            "40 baris, seharusnya 100 sampai 400",
            False,
        ),
        ("tertutup", "unexpected_rows_expectation", 40, None, True),
    ]


def test_model_that_is_not_released_shows_its_rows_by_its_own_query(hospital: Hospital) -> None:
    hospital.load()
    hospital.models.write(
        "models/sources.yml",
        "sources: [{name: uji, schema: raw, tables: [{name: data, identifier: uji__data, columns: ["
        + ", ".join(f"{{name: {c}}}" for c in ("id", "nik", "jk", "alamat", "icd"))
        + "]}]}]\n",
    )
    hospital.models.write(
        "models/marts/pasien.sql", "select id, jk, alamat, 'x' || id as kode from {{ source('uji', 'data') }}"
    )
    hospital.models.write(
        "models/marts/pasien.yml",
        "models: [{name: pasien, description: Pasien., columns: ["
        "{name: jk, description: Jenis kelamin., data_tests: [not_null, {accepted_values: {values: [P]}}]},"
        "{name: alamat, description: Alamat., data_tests: [unique]},"
        "{name: kode, description: Kode., data_tests: [unique]}]}]\n",
    )
    project = hospital.models.project()
    assets = [a for a in model_assets(project, [hospital.contract]) if a.node_def.name == "models"]
    found = hospital.run(assets)
    assert {name: e.passed for name, e in found.items()} == {"jk": False, "alamat": False, "kode": True}
    assert rows(found["jk"], "contoh") == [{"value_field": "L", "n_records": "3"}]
    assert rows(found["alamat"], "contoh") == [{"unique_field": "***", "n_records": "40"}]
    assert hospital.loads.run(sql_of(found["jk"])) == [("L", 3)]
    with pytest.raises(psycopg.errors.UndefinedTable):
        hospital.loads.run("select from core.pasien")
