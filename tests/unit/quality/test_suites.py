"""The expectations that follow from a contract, and the suite of a dataset: these and those of its file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import QualityError
from pipelines.findings.catalogue import catalogue
from pipelines.quality.suites import (
    OWN_CHECKS,
    Expectation,
    derived,
    soft_checks,
    suite,
    tables_read,
    written,
)
from pipelines.settings import PROJECT_ROOT
from tests.support import every_rule
from tests.support.contracts import column
from tests.support.dbt_folder import DbtFolder, expect, query
from tests.support.statements import CHANGED, ID, contract_of, upload_contract_of


def expectations_of_columns(folder: Path, *columns: dict[str, Any]) -> list[Expectation]:
    return [e for e in derived(contract_of(folder, *columns)) if e.name != "ada_baris"]


def test_dataset_that_is_replaced_must_have_rows(tmp_path: Path) -> None:
    (found,) = derived(contract_of(tmp_path, column("a")))
    assert (found.name, found.type) == ("ada_baris", "expect_table_row_count_to_be_between")
    assert found.kwargs == {"min_value": 1} and found.blocking


def test_incremental_dataset_may_load_no_rows(tmp_path: Path) -> None:
    incremental = contract_of(tmp_path, ID, CHANGED, write_disposition="merge", cursor="diubah")
    assert "ada_baris" not in [e.name for e in derived(incremental)]


def test_key_must_be_unique_over_all_its_columns(tmp_path: Path) -> None:
    one = {e.name: e for e in expectations_of_columns(tmp_path, column("a", primaryKey=True))}["unik_kunci"]
    assert (one.type, one.kwargs) == ("expect_column_values_to_be_unique", {"column": "a"})
    assert one.message == "Kunci a harus unik."
    keys = [column(n, primaryKey=True) for n in "ab"]
    two = {e.name: e for e in expectations_of_columns(tmp_path, *keys)}["unik_kunci"]
    assert (two.type, two.kwargs) == ("expect_compound_columns_to_be_unique", {"column_list": ["a", "b"]})


@pytest.mark.parametrize(
    ("more", "name", "kind", "kwargs", "message"),
    [
        ({"required": True}, "wajib_a", "expect_column_values_to_not_be_null", {}, "a: wajib diisi."),
        ({"unique": True}, "unik_a", "expect_column_values_to_be_unique", {}, "a: harus unik."),
        (
            {"logicalTypeOptions": {"minLength": 2, "maxLength": 4}},
            "panjang_a",
            "expect_column_value_lengths_to_be_between",
            {"min_value": 2, "max_value": 4},
            "a: panjang tidak sesuai.",
        ),
        (
            {"logicalTypeOptions": {"pattern": "^[A-Z]+$"}},
            "pola_a",
            "expect_column_values_to_match_regex",
            {"regex": "^[A-Z]+$"},
            "a: pola tidak sesuai.",
        ),
    ],
)
def test_rule_of_a_text_column_becomes_an_expectation(
    tmp_path: Path, more: dict[str, Any], name: str, kind: str, kwargs: dict[str, Any], message: str
) -> None:
    (found,) = expectations_of_columns(tmp_path, column("a", **more))
    assert found == Expectation(name, kind, {"column": "a", **kwargs}, message=message, column="a")


@pytest.mark.parametrize(
    ("options", "kwargs", "message"),
    [
        (
            {"minimum": 0, "maximum": 100},
            {"min_value": 0, "strict_min": False, "max_value": 100, "strict_max": False},
            "a: di luar rentang 0..100.",
        ),
        (
            {"exclusiveMinimum": 0},
            {"min_value": 0, "strict_min": True},
            "a: di luar rentang 0...",
        ),
    ],
)
def test_range_of_a_number_column_becomes_an_expectation(
    tmp_path: Path, options: dict[str, Any], kwargs: dict[str, Any], message: str
) -> None:
    (found,) = expectations_of_columns(tmp_path, column("a", "integer", logicalTypeOptions=options))
    expected = {"column": "a", **kwargs}
    assert found == Expectation(
        "rentang_a", "expect_column_values_to_be_between", expected, message=message, column="a"
    )


def test_format_is_checked_by_the_function_that_quarantines(tmp_path: Path) -> None:
    (found,) = expectations_of_columns(tmp_path, column("a", logicalTypeOptions={"format": "npsn"}))
    assert (found.name, found.type) == ("format_a", "unexpected_rows_expectation")
    assert found.kwargs == {"unexpected_rows_query": 'select 1 from {batch} where not "ops"."cek_npsn"("a")'}


def test_reference_is_checked_by_the_query_that_quarantines(tmp_path: Path) -> None:
    reference = {
        "type": "foreignKey",
        "to": "ref_wilayah.kode",
        "customProperties": [{"property": "where", "value": {"tingkat": "kabupaten"}}],
    }
    (found,) = expectations_of_columns(tmp_path, column("a", relationships=[reference]))
    assert found.kwargs == {
        "unexpected_rows_query": (
            'select 1 from {batch} where "a" is not null and "a"::text not in (select "r"."kode"::text from'
            ' "core"."ref_wilayah" r where "r"."kode" is not null and "r"."tingkat"::text = \'kabupaten\')'
        )
    }


def test_reference_tables_are_found_in_a_query() -> None:
    statement = "select 1 from {batch} b join core.ref_wilayah w on true join core.dim_opd o on true"
    assert tables_read(
        [Expectation("a", "x", {"unexpected_rows_query": statement}), Expectation("b", "y")]
    ) == {"ref_wilayah"}


def test_suite_joins_expectations_of_the_contract_and_of_the_file(tmp_path: Path) -> None:
    folder = DbtFolder(tmp_path / "dbt")
    folder.suite("uji/data", query("khusus", "select 1 from {batch} where false", "warning"))
    found = suite(contract_of(tmp_path, column("a")), folder.suites)
    assert [(e.name, e.severity) for e in found] == [("ada_baris", "error"), ("khusus", "warn")]


@pytest.mark.parametrize("name", ["ada_baris", "karantina"])
def test_expectation_of_the_file_with_a_taken_name_is_refused(tmp_path: Path, name: str) -> None:
    folder = DbtFolder(tmp_path / "dbt")
    folder.suite("uji/data", query(name, "select 1 from {batch} where false"))
    with pytest.raises(QualityError, match=f"uji/data: nama ekspektasi ganda: {name}"):
        suite(contract_of(tmp_path, column("a")), folder.suites)


def test_unknown_severity_is_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    path = DbtFolder(tmp_path).suite("core/a", expect("ada", "expect_table_row_count_to_be_between", "warn"))
    with pytest.raises(QualityError, match=r"severity 'warn' tidak dikenal \(maksudnya warning\?\)"):
        written(path)


@pytest.mark.parametrize("expectations", ['"x"', "[5]", "[null]", '[{"meta": 5}]', "[" * 9000 + "]" * 9000])
def test_suite_of_another_form_is_refused_without_a_traceback(tmp_path: Path, expectations: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(f'{{"name": "uji.a", "expectations": {expectations}}}', encoding="utf-8")
    with pytest.raises(QualityError, match="bukan suite Great Expectations"):
        written(path)


def test_expectation_with_a_capital_in_its_name_is_refused(tmp_path: Path) -> None:
    path = DbtFolder(tmp_path).suite("core/a", expect("Ada", "expect_table_row_count_to_be_between"))
    with pytest.raises(QualityError, match=r"ekspektasi 1: meta\.nama 'Ada' bukan nama"):
        written(path)


def test_rule_is_another_one_if_type_arguments_or_severity_are_but_not_for_another_sentence() -> None:
    kind = "expect_column_values_to_be_between"
    rule = Expectation("umur", kind, {"column": "umur", "max_value": 120}, message="Terlalu tua.")
    assert rule.rule == Expectation("umur", kind, {"max_value": 120, "column": "umur"}, message="Lain.").rule
    others = {
        Expectation("umur", kind, {"column": "umur", "max_value": 110}).rule,
        Expectation("umur", kind, {"column": "umur", "max_value": 120}, "warn").rule,
        Expectation("umur", "expect_column_values_to_be_unique", {"column": "umur", "max_value": 120}).rule,
    }
    assert len(others | {rule.rule}) == 4


def test_every_expectation_and_check_of_our_own_has_a_code_of_its_own(tmp_path: Path) -> None:
    """An engineer may write another type of GX in a suite, which then has the general code."""
    made = [e.type for e in derived(upload_contract_of(tmp_path, *every_rule.columns()))]
    doubled = derived(
        upload_contract_of(tmp_path, column("a", primaryKey=True), column("b", primaryKey=True))
    )
    suites = (PROJECT_ROOT / "expectations").rglob("*.json")
    written_ones = [e.type for path in suites for e in written(path)]
    tests = re.findall(
        r"{% test (\w+)", (PROJECT_ROOT / "pipelines/models/project/generic_tests.sql").read_text("utf-8")
    )
    names = {*made, *(e.type for e in doubled), *written_ones, *tests, *OWN_CHECKS}
    known = {r for code, e in catalogue().entries.items() if code[4] == "T" for r in e.rules}
    assert names == known - {"lainnya", "singular"}


def test_soft_rule_of_the_contract_only_warns(tmp_path: Path) -> None:
    options = {"minimum": 0, "maximum": 9}
    soft = column("a", "integer", konfirmasi=["maximum"], logicalTypeOptions=options)
    hard = column("b", "integer", logicalTypeOptions=options)
    contract = contract_of(tmp_path, soft, hard)
    severities = {e.name: e.severity for e in derived(contract)}
    assert (severities["rentang_a"], severities["rentang_b"]) == ("warn", "error")
    assert soft_checks(contract) == {"rentang_a"}
