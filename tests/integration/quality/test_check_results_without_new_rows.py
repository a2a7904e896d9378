"""Check results in Dagster when a run checks no new rows: unchanged file, failed load, checks executed by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from psycopg import Connection

from pipelines.assets.naming import raw_key
from pipelines.assets.raw import raw_assets
from pipelines.assets.warehouse import model_assets
from pipelines.contracts.model import Contract
from pipelines.load import prepare
from pipelines.models.build.runner import build
from pipelines.redaction.database_urls import libpq_url
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect
from tests.support.contracts import column, document, make, upload
from tests.support.dbt_folder import DbtFolder, query

GOOD = "id,nama\n1,Pasar Pagi\n2,Pasar Segiri\n"
DELIVERY_CHECKS = {"bentuk_sumber", "karantina", "bita_hilang", "jumlah_baris_wajar"}
TABLE_CHECKS = {"ada_baris", "unik_kunci", "id", "nama_terisi"}


class Dataset:
    """An upload dataset with a suite of its own, and its asset."""

    def __init__(self, url: str, folder: Path, **custom: Any) -> None:
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.settings = Settings(home=folder / "home", project=folder, warehouse_url=self.url)
        self.file = folder / "home" / "unggahan" / "dagang" / "pasar" / "pasar.csv"
        self.file.parent.mkdir(parents=True)
        columns = [column("id", "integer", primaryKey=True), column("nama")]
        doc = document(
            "dagang/pasar",
            columns,
            upload("dagang/pasar", "csv"),
            extract={"format": "csv", "pattern": "*.csv"},
            **custom,
        )
        self.contract: Contract = make(folder / "contracts", doc)
        own = query("nama_terisi", "select 1 from {batch} where nama is null", "warning")
        models = DbtFolder(folder / "dbt_like_sql")
        models.suites = folder / "expectations"
        models.suite("dagang/pasar", own)
        self.connection: Connection[Any] = connect(self.url)
        self.connection.execute(
            "drop schema if exists ops, raw, quarantine, landing cascade; drop schema if exists core cascade"
        )
        prepare.prepare(self.connection, [self.contract])

    def run(
        self, selection: dg.AssetSelection | None = None, instance: dg.DagsterInstance | None = None
    ) -> dg.ExecuteInProcessResult:
        with nullcontext(instance) if instance else dg.DagsterInstance.ephemeral() as used:
            return dg.materialize(
                raw_assets([self.contract], self.settings),
                selection=selection,
                instance=used,
                resources={"warehouse": Warehouse(url=self.url)},
                raise_on_error=False,
            )

    def execute(self, *names: str) -> dict[str, dg.AssetCheckEvaluation]:
        """Runs only these checks, as "Execute" in the UI does, and gives their evaluations by name."""
        keys = [dg.AssetCheckKey(raw_key(self.contract), name) for name in names]
        result = self.run(dg.AssetSelection.checks(*keys))
        assert result.get_asset_materialization_events() == []
        return evaluations(result)


@pytest.fixture
def dataset(module_warehouse_url: str, tmp_path: Path) -> Iterator[Dataset]:
    made = Dataset(module_warehouse_url, tmp_path)
    yield made
    made.connection.close()


def evaluations(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {e.check_name: e for e in result.get_asset_check_evaluations()}


def failed_checks(found: dict[str, dg.AssetCheckEvaluation]) -> set[str]:
    return {name for name, e in found.items() if not e.passed}


def test_a_load_gives_a_result_for_every_check(dataset: Dataset) -> None:
    dataset.file.write_text(GOOD)
    found = evaluations(dataset.run())
    assert found.keys() == {"pemuatan"} | DELIVERY_CHECKS | TABLE_CHECKS and failed_checks(found) == set()
    assert {name: e.description for name, e in found.items()} == {
        "pemuatan": "2 dimuat, 0 sama, 0 dikarantina, 0 dihapus (baris)",
        "bentuk_sumber": "0 perubahan kolom sejak pemuatan sebelumnya",
        "karantina": "0 dari 2 baris dikarantina (0%, batas 20%)",
        "bita_hilang": "0 dari 2 baris memuat bita yang tidak terbaca sebagai huruf",
        "jumlah_baris_wajar": "Riwayatnya belum cukup: perlu 6 kiriman sebelumnya.",
        "ada_baris": "2 baris",
        "unik_kunci": "0 dari 2 baris menyimpang",
        "id": "1 aturan lulus, 2 baris",
        "nama_terisi": "0 dari 2 baris menyimpang",
    }


def test_an_unchanged_file_repeats_the_last_results_and_says_so(dataset: Dataset) -> None:
    dataset.file.write_text("id,nama\n1,Pasar Pagi\n2,\n")
    assert failed_checks(evaluations(dataset.run())) == {"nama_terisi"}
    again = dataset.run()
    found = evaluations(again)
    assert again.success and found.keys() == {"pemuatan"} | DELIVERY_CHECKS | TABLE_CHECKS
    assert failed_checks(found) == {"nama_terisi"}
    assert found["nama_terisi"].severity == dg.AssetCheckSeverity.WARN
    assert "ada di bawah. (berkas tidak berubah; hasil 20" in (found["nama_terisi"].description or "")
    assert (found["nama_terisi"].description or "").endswith("tetap berlaku.)")
    assert found["pemuatan"].description == "tidak ada yang baru"


def test_a_check_without_a_result_runs_on_raw_when_the_file_is_unchanged(dataset: Dataset) -> None:
    dataset.file.write_text(GOOD)
    dataset.run()
    dataset.connection.execute("delete from ops.check_result where check_name = 'nama_terisi'")
    dataset.connection.execute("update raw.dagang__pasar set nama = null")
    found = evaluations(dataset.run())
    assert failed_checks(found) == {"nama_terisi"} and "(2 baris menyimpang)" in (
        found["nama_terisi"].description or ""
    )


def test_a_rule_that_was_tightened_is_asked_anew_when_the_file_is_unchanged(dataset: Dataset) -> None:
    dataset.file.write_text(GOOD)
    dataset.run()
    models = DbtFolder(dataset.settings.models_dir)
    models.suites = dataset.settings.expectations_dir
    models.suite(
        "dagang/pasar", query("nama_terisi", "select 1 from {batch} where length(nama) < 11", "warning")
    )
    found = evaluations(dataset.run())
    assert failed_checks(found) == {"nama_terisi"}
    assert "(1 baris menyimpang)" in (found["nama_terisi"].description or "")
    assert "tetap berlaku" in (found["unik_kunci"].description or "")


@pytest.mark.parametrize("content", ['id,nama\n1,"Pasar\n', "id;nama\n1;x\n"])
def test_a_failed_load_fails_only_the_load_check_while_raw_is_good(dataset: Dataset, content: str) -> None:
    dataset.file.write_text(GOOD)
    dataset.run()
    dataset.file.write_text(content)
    failed = dataset.run()
    found = evaluations(failed)
    assert not failed.success and found.keys() == {"pemuatan"} | DELIVERY_CHECKS | TABLE_CHECKS
    assert failed_checks(found) - {"bentuk_sumber"} == {"pemuatan"}
    assert "dagang/pasar: " in (found["pemuatan"].description or "")
    assert "pemuatan gagal dan tidak mengubah data di raw; hasil 20" in (
        found["unik_kunci"].description or ""
    )


def test_a_rejected_load_shows_why_and_the_next_good_one_passes(dataset: Dataset) -> None:
    dataset.file.write_text(GOOD)
    dataset.run()
    dataset.file.write_text("id,nama\nx,a\ny,b\n1,c\n")
    rejected = evaluations(dataset.run())
    assert failed_checks(rejected) == {"pemuatan", "karantina"}
    dataset.file.write_text(GOOD)
    found = evaluations(dataset.run())  # raw already has the rows of this content
    assert failed_checks(found) == set()


def test_without_a_file_the_load_check_warns_only_before_the_first_load(dataset: Dataset) -> None:
    result = dataset.run()
    found = evaluations(result)
    assert result.success and found.keys() == {"pemuatan"} | DELIVERY_CHECKS | TABLE_CHECKS
    assert found["pemuatan"].description == "Belum ada berkas di zona unggah."
    assert failed_checks(found) == {"pemuatan", "ada_baris"}
    assert {e.severity for n, e in found.items() if n in failed_checks(found)} == {dg.AssetCheckSeverity.WARN}
    dataset.file.write_text(GOOD)
    dataset.run()
    dataset.file.unlink()
    found = evaluations(dataset.run())
    assert failed_checks(found) == set()
    assert found["pemuatan"].description == "Tidak ada berkas di zona unggah."


def test_executed_checks_run_on_raw(dataset: Dataset) -> None:
    dataset.file.write_text(GOOD)
    dataset.run()
    assert failed_checks(dataset.execute("unik_kunci", "nama_terisi")) == set()
    dataset.connection.execute("update raw.dagang__pasar set nama = null where id = 1")
    found = dataset.execute("unik_kunci", "nama_terisi")
    assert failed_checks(found) == {"nama_terisi"} and found.keys() == {"unik_kunci", "nama_terisi"}
    assert "(1 baris menyimpang)" in (found["nama_terisi"].description or "")
    assert failed_checks(evaluations(dataset.run())) == {"nama_terisi"}  # the last result is the one by hand


def test_executed_checks_of_a_delivery_repeat_its_last_result(dataset: Dataset) -> None:
    dataset.file.write_text("id,nama\nx,a\ny,b\n1,c\n")
    dataset.run()
    found = dataset.execute("pemuatan", "karantina")
    assert failed_checks(found) == {"pemuatan", "karantina"}
    assert "2 dari 3 baris dikarantina" in (found["karantina"].description or "")
    dataset.file.write_text(GOOD)
    dataset.run()
    found = dataset.execute("pemuatan", "karantina")
    assert failed_checks(found) == set()
    assert found["pemuatan"].description == "2 baris dimuat pada pemuatan terakhir, 2 baris berlaku di raw"
    assert "hanya kiriman baru yang dapat menjawabnya; hasil 20" in (found["karantina"].description or "")


def test_executed_checks_of_a_history_see_only_current_versions(
    module_warehouse_url: str, tmp_path: Path
) -> None:
    dataset = Dataset(module_warehouse_url, tmp_path, write_disposition="merge", merge_strategy="scd2")
    for name in ("Pasar Pagi", "Pasar Malam"):
        dataset.file.write_text(f"id,nama\n1,{name}\n")
        dataset.run()
    assert dataset.connection.execute("select count(*) from raw.dagang__pasar").fetchone() == (2,)
    assert failed_checks(dataset.execute("unik_kunci", "ada_baris")) == set()
    dataset.connection.close()


def test_a_model_that_was_not_built_is_checked_as_last_released(dataset: Dataset) -> None:
    folder = DbtFolder(dataset.settings.models_dir)
    folder.suites = dataset.settings.expectations_dir
    folder.write("models/marts/dasar.sql", "select 1 as n")
    folder.write("models/marts/pasar.sql", "select n from {{ ref('dasar') }}")
    listed = "columns: [{name: n, description: Nilai., data_tests: [not_null]}]"
    folder.write(
        "models/marts/pasar.yml", f"models:\n  - name: pasar\n    description: Pasar.\n    {listed}\n"
    )
    build(folder.project(), libpq_url(dataset.url))
    folder.write("models/marts/dasar.sql", "select 1 / 0 as n")
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            model_assets(folder.project()),
            instance=instance,
            resources={"warehouse": Warehouse(url=dataset.url)},
            raise_on_error=False,
        )
    assert not result.success
    (found,) = evaluations(result).values()
    assert found.passed
    assert "model tidak dibangun, yang sudah dirilis diuji: " in (found.description or "")


def test_executed_checks_of_a_model_run_on_the_released_relation(dataset: Dataset) -> None:
    folder = DbtFolder(dataset.settings.models_dir)
    folder.suites = dataset.settings.expectations_dir
    folder.write("models/marts/pasar.sql", "select 1 as n")
    folder.write(
        "models/marts/pasar.yml",
        "models:\n  - name: pasar\n    description: Pasar.\n"
        "    columns: [{name: n, description: Nilai., data_tests: [not_null, unique]}]\n",
    )
    project = folder.project()
    build(project, libpq_url(dataset.url), select=["pasar"])
    dataset.connection.execute("insert into core.pasar values (1)")
    names = ["n"]
    keys = [dg.AssetCheckKey(dg.AssetKey(["core", "pasar"]), name) for name in names]
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            model_assets(project),
            selection=dg.AssetSelection.checks(*keys),
            instance=instance,
            resources={"warehouse": Warehouse(url=dataset.url)},
            raise_on_error=False,  # a check that blocks fails its run
        )
    (found,) = evaluations(result).values()
    assert (found.check_name, found.passed) == ("n", False)
    assert (found.description or "").startswith("1 dari 2 aturan gagal: unique_n: 1 baris menyimpang.")
    assert dataset.connection.execute("select count(*) from core.pasar").fetchone() == (2,)


def test_a_run_that_plans_no_checks_stores_their_results_and_repeats_none(dataset: Dataset) -> None:
    keys = {
        name: dg.AssetCheckKey(raw_key(dataset.contract), name)
        for name in ("nama_terisi", "unik_kunci", "pemuatan")
    }
    alone = dg.AssetSelection.assets(raw_key(dataset.contract)).without_checks()
    with dg.DagsterInstance.ephemeral() as instance:

        def night(text: str) -> dict[str, str]:
            """Loads, and gives the status of the latest result of each check."""
            dataset.file.write_text(text)
            result = dataset.run(alone, instance)
            planned = [e for e in result.all_events if e.event_type_value == "ASSET_CHECK_EVALUATION_PLANNED"]
            assert planned == []
            events.append(len(evaluations(result)))
            found = instance.event_log_storage.get_latest_asset_check_execution_by_key([*keys.values()])
            return {name: found[key].status.value for name, key in keys.items()}

        events: list[int] = []
        good = {"nama_terisi": "SUCCEEDED", "unik_kunci": "SUCCEEDED", "pemuatan": "SUCCEEDED"}
        assert night(GOOD) == good
        assert night(GOOD) == good
        assert events == [len({"pemuatan"} | DELIVERY_CHECKS | TABLE_CHECKS), 1]
        assert night("id,nama\n") == good | {"pemuatan": "FAILED"}
        assert night("id,nama\n1,\n") == good | {"nama_terisi": "FAILED"}
