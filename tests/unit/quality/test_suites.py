"""The expectations that a contract promises, and a dataset's suite as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import QualityError
from pipelines.quality.suites import Expectation, derived, suite, tables_read, written
from tests.support.contracts import column, database, document, make
from tests.support.dbt_folder import DbtFolder, expect, query


def contract(folder: Path, *columns: dict[str, Any], **extract: Any) -> Contract:
    extract = {"table": "sumber", **extract}
    return make(folder, document("dagang/pasar", list(columns), database("URL"), extract=extract))


def of_column(folder: Path, *columns: dict[str, Any]) -> list[Expectation]:
    return [e for e in derived(contract(folder, *columns)) if e.name != "ada_baris"]


def test_a_dataset_that_is_read_whole_has_rows(tmp_path: Path) -> None:
    (found,) = derived(contract(tmp_path, column("a")))
    assert (found.name, found.type) == ("ada_baris", "expect_table_row_count_to_be_between")
    assert found.kwargs == {"min_value": 1} and found.blocking


def test_a_dataset_that_is_read_in_parts_may_have_none(tmp_path: Path) -> None:
    columns = [column("id", "integer", primaryKey=True), column("diubah", "timestamp", required=True)]
    doc = document(
        "dagang/pasar",
        columns,
        database("URL"),
        write_disposition="merge",
        extract={"table": "sumber"},
        cursor="diubah",
    )
    assert "ada_baris" not in [e.name for e in derived(make(tmp_path, doc))]


def test_a_key_of_one_column_and_one_of_two(tmp_path: Path) -> None:
    one = {e.name: e for e in of_column(tmp_path, column("a", primaryKey=True))}["unik_kunci"]
    assert (one.type, one.kwargs) == ("expect_column_values_to_be_unique", {"column": "a"})
    assert one.message == "Kunci a harus unik."
    keys = [column(n, primaryKey=True) for n in "ab"]
    two = {e.name: e for e in of_column(tmp_path, *keys)}["unik_kunci"]
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
def test_a_rule_of_a_text(
    tmp_path: Path, more: dict[str, Any], name: str, kind: str, kwargs: dict[str, Any], message: str
) -> None:
    (found,) = of_column(tmp_path, column("a", **more))
    assert found == Expectation(name, kind, {"column": "a", **kwargs}, message=message)


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
def test_a_range_of_numbers(
    tmp_path: Path, options: dict[str, Any], kwargs: dict[str, Any], message: str
) -> None:
    (found,) = of_column(tmp_path, column("a", "integer", logicalTypeOptions=options))
    expected = {"column": "a", **kwargs}
    assert found == Expectation("rentang_a", "expect_column_values_to_be_between", expected, message=message)


def test_a_format_is_asked_by_the_function_that_quarantines(tmp_path: Path) -> None:
    (found,) = of_column(tmp_path, column("a", logicalTypeOptions={"format": "npsn"}))
    assert (found.name, found.type) == ("format_a", "unexpected_rows_expectation")
    assert found.kwargs == {"unexpected_rows_query": 'select 1 from {batch} where not "ops"."cek_npsn"("a")'}


def test_a_reference_is_asked_by_the_query_that_quarantines(tmp_path: Path) -> None:
    reference = {
        "type": "foreignKey",
        "to": "ref_wilayah.kode",
        "customProperties": [{"property": "where", "value": {"tingkat": "kabupaten"}}],
    }
    (found,) = of_column(tmp_path, column("a", relationships=[reference]))
    assert found.kwargs == {
        "unexpected_rows_query": (
            'select 1 from {batch} where "a" is not null and "a"::text not in (select "r"."kode"::text from'
            ' "core"."ref_wilayah" r where "r"."kode" is not null and "r"."tingkat"::text = \'kabupaten\')'
        )
    }


def test_a_written_query_names_the_reference_tables_that_it_reads() -> None:
    asked = "select 1 from {batch} b join core.ref_wilayah w on true join core.dim_opd o on true"
    assert tables_read([Expectation("a", "x", {"unexpected_rows_query": asked}), Expectation("b", "y")]) == {
        "ref_wilayah"
    }


def test_a_suite_is_what_the_contract_promises_and_what_its_file_asks(tmp_path: Path) -> None:
    folder = DbtFolder(tmp_path / "dbt")
    folder.suite("dagang/pasar", query("khusus", "select 1 from {batch} where false", "warning"))
    found = suite(contract(tmp_path, column("a")), folder.suites)
    assert [(e.name, e.severity) for e in found] == [("ada_baris", "error"), ("khusus", "warn")]


@pytest.mark.parametrize("name", ["ada_baris", "karantina"])
def test_a_name_that_is_taken_is_refused(tmp_path: Path, name: str) -> None:
    folder = DbtFolder(tmp_path / "dbt")
    folder.suite("dagang/pasar", query(name, "select 1 from {batch} where false"))
    with pytest.raises(QualityError, match=f"dagang/pasar: nama ekspektasi ganda: {name}"):
        suite(contract(tmp_path, column("a")), folder.suites)


def test_an_unknown_severity_gets_the_nearest_known_one(tmp_path: Path) -> None:
    path = DbtFolder(tmp_path).suite("core/a", expect("ada", "expect_table_row_count_to_be_between", "warn"))
    with pytest.raises(QualityError, match=r"severity 'warn' tidak dikenal \(maksudnya warning\?\)"):
        written(path)


def test_a_name_in_capitals_is_refused(tmp_path: Path) -> None:
    path = DbtFolder(tmp_path).suite("core/a", expect("Ada", "expect_table_row_count_to_be_between"))
    with pytest.raises(QualityError, match=r"ekspektasi 1: meta\.nama 'Ada' bukan nama"):
        written(path)
