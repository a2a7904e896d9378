"""Suites of models on a real PostgreSQL: Great Expectations checks new rows before any reader sees them."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Any

import dagster as dg
import psycopg
import pytest

from pipelines.assets.warehouse import model_assets
from pipelines.models.build.results import NodeResult
from pipelines.models.build.runner import build, run_tests
from pipelines.quality.results import CheckResult
from pipelines.quality.run import run_suite
from pipelines.quality.suites import Expectation
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse.relation import Relation
from tests.support.dbt_folder import expect, query
from tests.support.small_warehouse import SmallWarehouse

BETWEEN = "expect_column_values_to_be_between"
MEAN = "expect_column_mean_to_be_between"
ROWS = "expect_table_row_count_to_be_between"
NOT_NULL = "not_null: {column_name: n}"


def checks_by_name(result: NodeResult) -> dict[str, CheckResult]:
    return {test.name: test for test in result.tests}


def candidate_relations(warehouse: SmallWarehouse) -> list[tuple[Any, ...]]:
    return warehouse.run("select relname from pg_class where relname like '%\\_\\_baru%'")


def test_a_failed_critical_expectation_leaves_the_old_table_and_skips_descendants_only(
    small_warehouse: SmallWarehouse,
) -> None:
    small_warehouse.folder.suite(
        "core/atas",
        expect("wajar", BETWEEN, column="n", min_value=0, max_value=10),
        expect("sedikit", ROWS, max_value=2),
    )
    small_warehouse.model("atas", "select 1 as n")
    small_warehouse.model("bawah", "select n from {{ ref('atas') }}")
    small_warehouse.model("lain", "select 1 as n")
    assert {r.state for r in small_warehouse.build().values()} == {"ok"}
    small_warehouse.model("atas", "select n from (values (2), (99), (98)) v (n)")
    small_warehouse.model("lain", "select 2 as n")
    results = small_warehouse.build()
    assert {name: r.state for name, r in results.items()} == {
        "atas": "tests_failed",
        "bawah": "skipped",
        "lain": "ok",
    }
    assert results["atas"].error == (
        "wajar: Ada yang salah dengan wajar. (2 dari 3 baris menyimpang); sedikit: Ada yang salah dengan sedikit. (3 baris, seharusnya paling banyak 2)"
    )
    assert [(t.name, t.unexpected) for t in results["atas"].tests] == [("wajar", 2), ("sedikit", None)]
    assert small_warehouse.run("select n from core.atas") == [(1,)]
    assert small_warehouse.run("select n from core.lain") == [(2,)]
    assert candidate_relations(small_warehouse) == []


def test_a_model_with_a_warning_is_released_and_the_warning_reported(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.folder.suite("core/m", expect("wajar", BETWEEN, "warning", column="n", max_value=10))
    small_warehouse.model("m", "select 11 as n")
    result = small_warehouse.build()["m"]
    assert result.state == "ok"
    assert [(w.name, w.severity, w.unexpected) for w in result.warnings] == [("wajar", "warn", 1)]
    assert small_warehouse.run("select n from core.m") == [(11,)]


def test_a_view_is_checked_before_it_is_replaced(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.folder.suite("staging/v", query("positif", "select n from {batch} where n < 0"))
    small_warehouse.folder.write("models/staging/v.sql", "select 1 as n")
    assert small_warehouse.build()["v"].state == "ok"
    small_warehouse.folder.write("models/staging/v.sql", "select -1 as n")
    result = small_warehouse.build()["v"]
    assert (result.state, checks_by_name(result)["positif"].unexpected) == ("tests_failed", 1)
    assert small_warehouse.run("select n from staging.v") == [(1,)]


def increment(warehouse: SmallWarehouse) -> None:
    warehouse.run("create table raw.sumber as select 1 as k, 1 as n")
    warehouse.folder.write(
        "models/marts/m.sql",
        "{{ config(materialized='incremental', unique_key='k', on_schema_change='append_new_columns') }}\n"
        "select * from raw.sumber",
    )


def test_an_increment_is_checked_before_readers_see_it_and_rolled_back_on_failure(
    small_warehouse: SmallWarehouse,
) -> None:
    """The suite also sees a column that the same transaction has added."""
    small_warehouse.folder.suite(
        "core/m",
        query("jumlah", "select 1 from {batch} having sum(n) > 100"),
        expect("baris", ROWS, min_value=1, max_value=3),
    )
    increment(small_warehouse)
    small_warehouse.build()
    small_warehouse.run("insert into raw.sumber values (2, 2)")
    accepted = small_warehouse.build()["m"]
    assert (accepted.state, accepted.incremented) == ("ok", True)
    assert all(t.passed for t in accepted.tests)

    small_warehouse.folder.suite(
        "core/m",
        query("jumlah", "select 1 from {batch} having sum(n) > 100"),
        expect("baru", BETWEEN, column="baru", max_value=5),
    )
    small_warehouse.run(
        "alter table raw.sumber add baru int; update raw.sumber set baru = 6; insert into raw.sumber values (3, 98)"
    )
    refused = small_warehouse.build()["m"]
    assert refused.state == "tests_failed"
    assert {name: t.unexpected for name, t in checks_by_name(refused).items()} == {"jumlah": 1, "baru": 2}
    assert small_warehouse.run("select * from core.m order by 1") == [(1, 1), (2, 2)]
    assert candidate_relations(small_warehouse) == []


def test_a_check_that_cannot_run_has_failed_and_says_why(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.folder.suite(
        "core/m",
        query("rusak", "select 1 from {batch} where tiada > 1"),
        expect("baik", ROWS, min_value=1),
        expect("kolom", "expect_column_values_to_not_be_null", column="tiada"),
        expect("asing", "expect_the_unexpected"),
    )
    small_warehouse.model("m", "select 1 as n")
    result = small_warehouse.build()["m"]
    assert result.state == "tests_failed"
    assert {name: (t.passed, t.unexpected) for name, t in checks_by_name(result).items()} == {
        "rusak": (False, None),
        "baik": (True, 0),
        "kolom": (False, None),
        "asing": (False, None),
    }
    assert checks_by_name(result)["rusak"].message == (
        "Ada yang salah dengan rusak. Pemeriksaan tidak dapat dijalankan: "
        'column "tiada" does not exist (unexpected_rows_expectation).'
    )
    assert 'The column "tiada" in BatchData does not exist' in checks_by_name(result)["kolom"].message
    assert "expect_the_unexpected" in checks_by_name(result)["asing"].message
    assert small_warehouse.run("select to_regclass('core.m')") == [(None,)]


def test_a_warning_that_cannot_run_does_not_abort_the_increment(
    small_warehouse: SmallWarehouse,
) -> None:
    increment(small_warehouse)
    small_warehouse.build()
    small_warehouse.folder.suite(
        "core/m",
        query("rusak", "select 1 from {batch} where tiada > 1", "warning"),
        expect("baris", ROWS, min_value=2),
    )
    small_warehouse.run("insert into raw.sumber values (2, 2)")
    result = small_warehouse.build()["m"]
    assert (result.state, [w.name for w in result.warnings]) == ("ok", ["rusak"])
    assert small_warehouse.run("select count(*) from core.m") == [(2,)]


def test_messages_of_checks_contain_no_value(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.folder.suite(
        "core/m",
        query("bilangan", "select 1 from {batch} where nik::int > 1"),
        expect("pola", "expect_column_values_to_match_regex", column="nik", regex="^[0-9]+$"),
    )
    small_warehouse.model("m", "select 1 as n, 'rahasia-6472' as nik")
    result = small_warehouse.build()["m"]
    assert [t.passed for t in result.tests] == [False, False]
    assert "InvalidTextRepresentation" in checks_by_name(result)["bilangan"].message
    assert "rahasia" not in str([(t.message, t.observed, t.sample) for t in result.tests])


def test_an_exception_in_great_expectations_fails_every_check_of_the_suite(
    small_warehouse: SmallWarehouse,
) -> None:
    def broken(*_: object) -> dict[str, Any]:
        raise RuntimeError("out of order")

    small_warehouse.folder.suite(
        "core/m",
        expect("satu", MEAN, column="n", min_value=1),
        expect("dua", MEAN, "warning", column="n", min_value=0),
    )
    small_warehouse.model("m", "select 1 as n")
    (result,) = build(
        small_warehouse.folder.project(),
        small_warehouse.url,
        run_suite=partial(run_suite, validate=broken),
    )
    assert result.state == "tests_failed"
    assert [(t.name, t.severity, t.passed) for t in result.tests] == [
        ("satu", "error", False),
        ("dua", "warn", False),
    ]
    assert all("RuntimeError" in t.message and "out of order" not in t.message for t in result.tests)
    assert candidate_relations(small_warehouse) == []


def test_a_passed_check_says_what_it_saw(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.folder.suite(
        "core/m",
        expect("baris", ROWS, min_value=1),
        expect("wajar", BETWEEN, column="n", min_value=0),
        expect("sering", BETWEEN, column="n", min_value=2, mostly=0.5),
        expect("rata", MEAN, column="n", min_value=0),
        query("kueri", "select 1 from {batch} where n < 0"),
    )
    small_warehouse.model("m", "select n from (values (1), (2), (3)) v (n)", NOT_NULL)
    result = small_warehouse.build()["m"]
    assert {t.name: (t.passed, t.unexpected, t.message) for t in result.tests} == {
        "not_null": (True, 0, "0 dari 3 baris menyimpang"),
        "baris": (True, 0, "3 baris"),
        "wajar": (True, 0, "0 dari 3 baris menyimpang"),
        "sering": (True, 1, "1 dari 3 baris menyimpang"),
        "rata": (True, 0, "sesuai ekspektasi"),
        "kueri": (True, 0, "0 dari 3 baris menyimpang"),
    }


def test_a_duplicate_expectation_under_another_name_fails(
    small_warehouse: SmallWarehouse,
) -> None:
    """Of two equal expectations Great Expectations runs only one."""
    small_warehouse.folder.suite(
        "core/m",
        expect("satu", MEAN, column="n", min_value=1),
        expect("dua", MEAN, column="n", min_value=1),
    )
    small_warehouse.model("m", "select 1 as n")
    result = small_warehouse.build()["m"]
    assert [(t.name, t.passed) for t in result.tests] == [("satu", True), ("dua", False)]
    assert "ekspektasi lain di suite ini menanyakan hal yang sama" in checks_by_name(result)["dua"].message


def test_suites_that_run_in_parallel_do_not_mix_their_results(
    small_warehouse: SmallWarehouse,
) -> None:
    for n in range(12):
        small_warehouse.model(f"m{n}", f"select {n} as n")
        small_warehouse.folder.suite(
            f"core/m{n}",
            expect("genap", BETWEEN, column="n", min_value=n - n % 2, max_value=n - n % 2),
            query("sendiri", f"select 1 from {{batch}} where n <> {n}"),  # noqa: S608  # a number
            expect("satu", ROWS, min_value=1, max_value=1),
        )
    results = build(small_warehouse.folder.project(), small_warehouse.url, threads=8)
    assert {r.name: r.state for r in results} == {
        f"m{n}": "tests_failed" if n % 2 else "ok" for n in range(12)
    }
    assert {t.name for r in results for t in r.tests if not t.passed} == {"genap"}


def test_a_suite_that_reads_another_model_runs_after_its_build(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.folder.suite(
        "core/a", query("sama", "select 1 from {batch} x join core.b y on x.n <> y.n")
    )
    for night in (1, 2):
        small_warehouse.model("a", f"select {night} as n")
        small_warehouse.model("b", f"select {night} as n from pg_sleep(0.3)")  # noqa: S608  # a number
        assert {r.state for r in small_warehouse.build().values()} == {"ok"}
    small_warehouse.model("b", "select 3 as n")
    results = small_warehouse.build()
    assert (results["a"].state, results["b"].state) == ("tests_failed", "ok")


def test_a_failed_suite_holds_back_all_models_of_its_transaction(
    small_warehouse: SmallWarehouse,
) -> None:
    small_warehouse.folder.write(
        "models/exposures.yml",
        "exposures: [{name: e, depends_on: [ref('a'), ref('b')], config: {meta: {satu_transaksi: true}}}]",
    )
    small_warehouse.folder.suite("core/b", expect("wajar", BETWEEN, column="n", max_value=1))
    for night, states in ((1, {"a": "ok", "b": "ok"}), (2, {"a": "held", "b": "tests_failed"})):
        small_warehouse.model("a", f"select {night} as n")
        small_warehouse.model("b", f"select {night} as n")
        assert {n: r.state for n, r in small_warehouse.build().items()} == states
    assert small_warehouse.run("select (select n from core.a), (select n from core.b)") == [(1, 1)]


def test_suites_can_run_on_released_models(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.folder.suite("core/m", expect("wajar", BETWEEN, column="n", max_value=1))
    small_warehouse.folder.suite("core/kode", expect("baris", ROWS, min_value=1))
    small_warehouse.folder.write("seeds/kode.csv", "kode\n64\n")
    small_warehouse.model("m", "select 1 as n")
    small_warehouse.build()
    small_warehouse.run("update core.m set n = 2; delete from core.kode")
    results = {r.name: r for r in run_tests(small_warehouse.folder.project(), small_warehouse.url)}
    assert {n: r.state for n, r in results.items()} == {"m": "tests_failed", "kode": "tests_failed"}


def test_results_of_a_suite_are_in_the_ledger_and_on_the_asset(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.run("""
        create schema ops;
        create table ops.check_result (
            run_id text, batch_id bigint, asset text, check_name text, severity text, passed boolean,
            unexpected bigint, total bigint, message text, at timestamptz, expectation text, observed text,
            query text, rule text, code text, window_start date, window_end date
        )
    """)
    small_warehouse.folder.suite(
        "core/m",
        expect("wajar", BETWEEN, column="n", max_value=1),
        expect("satu", ROWS, "warning", max_value=1),
    )
    small_warehouse.folder.suite("core/lanjut", expect("baris", ROWS, min_value=1))
    small_warehouse.model("m", "select n from (values (1), (2)) v (n)")
    small_warehouse.model("lanjut", "select n from {{ ref('m') }}")
    project = small_warehouse.folder.project()
    url = small_warehouse.url.replace("postgresql://", "postgresql+psycopg://", 1)
    run = dg.materialize(
        [assets for assets in model_assets(project) if assets.node_def.name == "models"],
        resources={"warehouse": Warehouse(url=url)},
        raise_on_error=False,
    )
    assert not run.success
    evaluations = {e.check_name: e for e in run.get_asset_check_evaluations()}
    assert {n: (e.passed, e.severity.value) for n, e in evaluations.items()} == {
        "wajar": (False, "ERROR"),
        "satu": (False, "WARN"),
        "baris": (False, "WARN"),
    }
    assert (evaluations["baris"].description or "").startswith("Tidak diuji: belum ada yang dirilis.")
    assert small_warehouse.run(
        "select asset, check_name, severity, passed, unexpected, total from ops.check_result order by 2"
    ) == [("core/m", "satu", "warn", False, None, 2), ("core/m", "wajar", "error", False, 1, 2)]


def test_a_shared_session_keeps_its_open_transaction_and_its_rows(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.run("create table core.m as select 1 as n")
    expectations = [
        Expectation(
            "rusak", "unexpected_rows_expectation", {"unexpected_rows_query": "select x from {batch}"}
        ),
        Expectation(
            "tulis",
            "unexpected_rows_expectation",
            {"unexpected_rows_query": "with w as (delete from core.m returning n) select n from w, {batch}"},
        ),
        Expectation("baris", ROWS, {"min_value": 2, "max_value": 2}),
    ]
    with psycopg.connect(small_warehouse.url, autocommit=True) as session:
        with session.transaction():
            session.execute("insert into core.m values (2)")
            results = run_suite(expectations, Relation("core", "m"), None, session)
            assert [r.passed for r in results] == [False, False, True]
            assert session.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        assert not session.closed
    assert small_warehouse.run("select n from core.m order by 1") == [(1,), (2,)]


def test_a_lost_connection_is_an_error_and_not_a_failed_check(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.folder.suite(
        "core/m", query("putus", "select pg_terminate_backend(pg_backend_pid()) from {batch}")
    )
    small_warehouse.model("m", "select 1 as n")
    with pytest.raises(psycopg.OperationalError):
        small_warehouse.build()
    assert small_warehouse.run("select to_regclass('core.m')") == [(None,)]


def test_suites_that_hold_never_import_great_expectations(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.model("m", "select 1 as n")
    small_warehouse.model("lain", "select 1 as n")
    small_warehouse.folder.suite(
        "core/lain",
        expect("baris", ROWS, min_value=1),
        expect("wajar", BETWEEN, column="n", min_value=0, max_value=1),
        query("kueri", "select n from {batch} group by n having count(*) > 1"),
    )
    code = """
import sys
from pathlib import Path
from pipelines.models.build.runner import build
from pipelines.models.project.project import load_project
project = load_project(Path(sys.argv[1]), suites=Path(sys.argv[2]))
assert project.nodes["lain"].suite
assert [r.state for r in build(project, sys.argv[3], select=["m", "lain"])] == ["ok", "ok"]
sys.exit("great_expectations" in sys.modules)
"""
    folder = small_warehouse.folder
    command = [sys.executable, "-c", code, str(folder.root), str(folder.suites), small_warehouse.url]
    assert subprocess.run(command, cwd=PROJECT_ROOT, check=False).returncode == 0
