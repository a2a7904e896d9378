"""The data dictionary of a real warehouse shows real types, last builds and results of tests."""

from __future__ import annotations

import re

from pipelines.load import prepare
from pipelines.publication.dictionary.dictionary import make_dictionary
from pipelines.publication.dictionary.facts import Build, Facts, read_facts
from pipelines.publication.dictionary.pages import render_site
from tests.support.dbt_folder import expect
from tests.support.small_warehouse import SmallWarehouse

NOT_NULL = "not_null: {arguments: {column_name: n}}"
WARN_ONLY = "unique: {arguments: {column_name: n}, config: {severity: warn}}"


def page(made: SmallWarehouse, facts: Facts, path: str) -> str:
    text = render_site(make_dictionary(made.folder.project(), (), facts))[path]
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL).split())


def test_types_builds_and_results_come_from_the_warehouse(small_warehouse: SmallWarehouse) -> None:
    prepare.prepare(small_warehouse.connection, [])
    small_warehouse.model(
        "m", "select (g % 2)::numeric(6, 2) as n from generate_series(1, 1234) as g", NOT_NULL, WARN_ONLY
    )
    assert small_warehouse.build(run_id="uji")["m"].state == "ok"
    small_warehouse.run("update ops.model_run set at = '2026-11-22 18:30:00+00'")
    facts = read_facts(small_warehouse.connection, ["core"])
    text = page(small_warehouse, facts, "relasi/core.m.html")
    assert "n numeric(6,2) Nilai." in text
    assert "Dibangun terakhir 23 November 2026, pukul 02.30 WITA" in text
    assert "Baris pada pembangunan itu 1.234" in text
    assert "wajib terisi not_null ✓ lulus" in text
    assert "tidak boleh ganda unique peringatan: tidak lulus" in text
    assert "Dibuat tanpa sambungan" not in text


def test_a_failed_build_is_not_the_last_build_but_its_tests_are_shown(
    small_warehouse: SmallWarehouse,
) -> None:
    prepare.prepare(small_warehouse.connection, [])
    small_warehouse.model("m", "select 1 as n", NOT_NULL)
    small_warehouse.build(run_id="uji")
    (at,) = small_warehouse.run("select at from ops.model_run")
    small_warehouse.model("m", "select null::integer as n from generate_series(1, 9)", NOT_NULL)
    assert small_warehouse.build(run_id="uji")["m"].state == "tests_failed"
    facts = read_facts(small_warehouse.connection, ["core"])
    assert facts.builds == {"m": Build(at[0], 1)}
    assert "wajib terisi not_null tidak lulus" in page(small_warehouse, facts, "relasi/core.m.html")


def test_results_of_a_suite_are_shown_like_those_of_tests(small_warehouse: SmallWarehouse) -> None:
    prepare.prepare(small_warehouse.connection, [])
    small_warehouse.folder.suite(
        "core/m",
        expect("satu_baris", "expect_table_row_count_to_be_between", "warning", max_value=1),
        expect("wajar", "expect_column_values_to_be_between", column="n", min_value=0),
    )
    small_warehouse.model("m", "select g as n from generate_series(1, 2) as g")
    assert small_warehouse.build(run_id="uji")["m"].state == "ok"
    text = page(small_warehouse, read_facts(small_warehouse.connection, ["core"]), "relasi/core.m.html")
    assert "satu baris peringatan: tidak lulus" in text
    assert "wajar ✓ lulus" in text
    assert "Ada yang salah" not in text, "this text is for failures only"


def test_the_page_of_checks_has_last_result_and_history_by_month(small_warehouse: SmallWarehouse) -> None:
    prepare.prepare(small_warehouse.connection, [])
    small_warehouse.folder.suite(
        "core/m", expect("satu_baris", "expect_table_row_count_to_be_between", "warning", max_value=1)
    )
    small_warehouse.model("m", "select g as n from generate_series(1, 2) as g", NOT_NULL)
    for run, month in (("pertama", "09"), ("kedua", "11")):
        small_warehouse.build(run_id=run, build_all=True)
        change = f"update ops.check_result set at = '2026-{month}-22 18:30Z' where run_id = '{run}'"  # noqa: S608
        small_warehouse.run(change)
    facts = read_facts(small_warehouse.connection, ["core"])
    text = page(small_warehouse, facts, "pemeriksaan/core.m.html")
    assert "Pemeriksaan core. m 2 aturan, 1 peringatan" in text
    assert "not_null GDK-T001 · galat Kolom ini harus terisi" in text
    assert "✓ lulus 0 dari 2 baris menyimpang 23 November 2026, pukul 02.30 WITA" in text
    assert "satu_baris GDK-T009 · peringatan Bila dilanggar: Ada yang salah" in text
    assert "Aturan 2026-09 2026-11 not_null ✓ 1 ✓ 1 satu_baris 1 dari 1 1 dari 1" in text
    assert "core.m 2 aturan 1 peringatan" in page(small_warehouse, facts, "pemeriksaan.html")


def test_types_are_shown_without_a_ledger(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.run("create view core.m as select 1::bigint as n, 'a'::text as lain")
    small_warehouse.model("m", "select 1 as n")
    facts = read_facts(small_warehouse.connection, ["core"])
    assert facts == Facts({"core.m": {"n": "bigint", "lain": "text"}})
    assert "n bigint Nilai. lain text" in page(small_warehouse, facts, "relasi/core.m.html")
