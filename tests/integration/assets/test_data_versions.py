"""Dagster shows a model as stale when rows that it reads have changed, and not after a load that changed nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from pipelines.assets.naming import raw_key
from pipelines.assets.raw import raw_assets
from pipelines.assets.warehouse import due_models, model_assets
from pipelines.load import prepare
from pipelines.models.build.runner import build
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import Settings
from tests.support.contracts import column, database, document, make
from tests.support.dbt_folder import DbtFolder

STAGING, MART = dg.AssetKey(["staging", "stg_buku"]), dg.AssetKey(["core", "jumlah"])


@dg.asset(deps=[MART])
def after_mart() -> None:
    """A later step of a run that reads the mart, as a publication does."""


class Books:
    """A dataset of a real database, a view on it and a mart on that, in Dagster."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.connection = psycopg.connect(url, autocommit=True)
        self.connection.execute(
            "create table public.buku as select m::date as periode, 1 as nilai"
            " from generate_series(date '2025-01-01', '2025-04-01', interval '1 month') as m"
        )
        warehouse = Warehouse(url=url.replace("postgresql://", "postgresql+psycopg://", 1))
        settings = Settings(home=folder, project=folder, warehouse_url=None)
        doc = document(
            "bpkad/buku",
            [column("periode", "date", required=True, primaryKey=True), column("nilai", "integer")],
            database("UJI_URL"),
            extract={"table": "buku"},
        )
        self.contract = make(settings.contracts_dir, doc)
        with warehouse.connect() as connection:
            prepare.prepare(connection, [self.contract])
        dbt = DbtFolder(folder / "dbt")
        dbt.write(
            "models/sources.yml",
            "sources: [{name: bpkad, schema: raw, tables: [{name: buku, identifier: bpkad__buku}]}]",
        )
        dbt.write("models/staging/stg_buku.sql", "select periode, nilai from {{ source('bpkad', 'buku') }}")
        dbt.write("models/marts/jumlah.sql", "select sum(nilai) as n from {{ ref('stg_buku') }}")
        dbt.write(
            "models/marts/jumlah.yml",
            "models: [{name: jumlah, columns: [{name: n, data_tests: [not_null, {accepted_values:"
            " {arguments: {values: ['1']}, config: {severity: warn}}}]}]}]",
        )
        self.project = dbt.project()
        self.definitions = dg.Definitions(
            assets=[*raw_assets([self.contract], settings), *model_assets(self.project), after_mart],
            jobs=[
                dg.define_asset_job("muat", dg.AssetSelection.assets(raw_key(self.contract))),
                dg.define_asset_job("bangun", dg.AssetSelection.assets(STAGING, MART)),
                dg.define_asset_job("semua", dg.AssetSelection.assets(STAGING, MART, after_mart)),
            ],
            resources={"warehouse": warehouse},
            executor=dg.in_process_executor,
        )
        self.instance = dg.DagsterInstance.ephemeral()
        self.first: Any = None

    def load(self) -> None:
        assert self.definitions.resolve_job_def("muat").execute_in_process(instance=self.instance).success

    def build(self, job: str = "bangun") -> dg.ExecuteInProcessResult:
        result = self.definitions.resolve_job_def(job).execute_in_process(instance=self.instance)
        assert result.success
        return result

    def stale(self) -> list[str]:
        """The models that Dagster shows as stale."""
        resolver = CachingStaleStatusResolver(
            self.instance, self.definitions.resolve_asset_graph(), LoadingContextForTest(self.instance)
        )
        return [key.path[-1] for key in (STAGING, MART) if resolver.get_status(key).value != "FRESH"]

    def due(self) -> list[dg.AssetKey]:
        return due_models(self.project, self.connection)


@pytest.fixture
def books(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    monkeypatch.setenv("UJI_URL", warehouse_url)
    made = Books(warehouse_url, tmp_path)
    made.load()
    made.first = made.build()
    yield made
    made.connection.close()
    made.instance.dispose()


def test_models_are_stale_only_after_a_load_that_changed_rows(books: Books) -> None:
    assert (books.stale(), books.due()) == ([], [])
    books.load()
    assert (books.stale(), books.due()) == ([], []), "the load changed no row"
    books.connection.execute("update public.buku set nilai = 5 where periode = '2025-02-01'")
    books.load()
    assert (books.stale(), set(books.due())) == (["stg_buku"], {STAGING, MART})
    assert [e.asset_key for e in books.build().get_asset_materialization_events()] == [STAGING, MART]
    assert (books.stale(), books.due()) == ([], [])


def test_a_step_that_reads_a_left_model_is_not_skipped(books: Books) -> None:
    result = books.build("semua")
    assert [e.asset_key for e in result.get_asset_materialization_events()] == [MART, after_mart.key]
    assert books.stale() == []


def test_a_left_model_has_no_event_but_the_last_results_of_its_planned_checks(books: Books) -> None:
    (before,) = books.first.get_asset_check_evaluations()
    result = books.build()
    assert result.get_asset_materialization_events() == []
    (warning,) = result.get_asset_check_evaluations()
    assert (warning.passed, warning.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert (before.passed, before.severity) == (False, dg.AssetCheckSeverity.WARN)
    described = (warning.description or "").removeprefix(before.description or "")
    assert (
        described.startswith("(model tidak berubah; hasil 20")
        or "(model tidak berubah; hasil 20" in described
    )


def test_a_left_model_that_was_built_from_the_terminal_is_given_to_dagster(books: Books) -> None:
    books.connection.execute("update public.buku set nilai = 5")
    books.load()
    build(books.project, books.url)
    assert books.stale() == ["stg_buku"], "Dagster knows nothing of a build from the terminal"
    result: Any = books.build()
    assert [e.asset_key for e in result.get_asset_materialization_events()] == [STAGING, MART]
    assert [e.passed for e in result.get_asset_check_evaluations()] == [False], (
        "not kept, so it is tested again"
    )
    assert books.stale() == []
