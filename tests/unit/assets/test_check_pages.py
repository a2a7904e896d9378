"""A check's page says in a sentence what was seen, and shows every rule, the SQL and samples of what failed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import dagster as dg

from pipelines.assets.check_groups import Group, Rule
from pipelines.assets.check_pages import describe, result_of_group
from pipelines.quality.raw_checks import WindowResult
from pipelines.quality.results import CheckResult, Sample

KEY = dg.AssetKey(["raw", "dinkes", "kunjungan"])
REQUIRED = CheckResult("wajib_umur", "error", True, 0, 1204, "0 dari 1.204 baris menyimpang", "not_null")
RANGE = CheckResult(
    "rentang_umur",
    "warn",
    False,
    3,
    1204,
    "umur: di luar rentang 0..120. (3 dari 1.204 baris menyimpang)",
    "between",
    query="select umur from raw.x",
    sample=Sample(("id", "umur", "_source_position"), (("7", "130", "baris 8"), ("***", None, "baris 9"))),
)
UMUR = Group("umur", (Rule("wajib_umur", True, "", "umur"), Rule("rentang_umur", False, "", "umur")), "umur")


def page(*results: CheckResult, group: Group = UMUR, **more: Any) -> dg.AssetCheckResult:
    found = result_of_group(KEY, group, {r.name: r for r in results}, **more)
    assert found is not None
    return found


def rows(result: dg.AssetCheckResult, name: str) -> list[dict[str, Any]]:
    table = result.metadata[name]
    assert isinstance(table, dg.TableMetadataValue)
    return [dict(record.data) for record in table.records]


def test_passed_check_of_a_column_says_how_many_rules_and_rows_it_saw() -> None:
    result = page(REQUIRED, replace(RANGE, passed=True, query="", sample=None))
    assert result.passed and result.description == "2 aturan lulus, 1.204 baris"
    assert result.metadata.keys() == {"aturan"}


def test_single_rule_that_passed_is_shown_in_a_line_because_a_table_would_be_a_large_event() -> None:
    result = page(replace(REQUIRED, name="hamil"), group=Group("hamil", (Rule("hamil", True),)))
    assert result.description == "0 dari 1.204 baris menyimpang"
    assert result.metadata["aturan"].value == "hamil (not_null, galat): 0 dari 1.204 baris menyimpang"


def test_failed_check_says_which_rule_and_how_many_rows_and_where_to_look() -> None:
    result = page(REQUIRED, RANGE)
    assert not result.passed
    assert result.description == (
        "1 dari 2 aturan gagal: rentang_umur: di luar rentang 0..120. (3 dari 1.204 baris menyimpang)."
        " Contoh baris dan SQL yang mencarinya ada di bawah."
    )
    assert rows(result, "aturan") == [
        {
            "aturan": "wajib_umur", "ekspektasi": "not_null", "hasil": "lulus (galat)",
            "menyimpang": "0 dari 1.204",
        },
        {
            "aturan": "rentang_umur", "ekspektasi": "between", "hasil": "gagal (peringatan)",
            "menyimpang": "3 dari 1.204",
        },
    ]  # fmt: skip
    assert rows(result, "contoh") == [
        {"id": "7", "umur": "130", "_source_position": "baris 8"},
        {"id": "***", "umur": None, "_source_position": "baris 9"},
    ]
    assert result.metadata["sql"].value == "rentang_umur:\n```sql\nselect umur from raw.x\n```"


def test_samples_of_several_rules_are_one_table_that_names_the_rule() -> None:
    other = replace(RANGE, name="wajib_umur", sample=Sample(("id", "berat"), (("3", None),)))
    assert rows(page(other, RANGE), "contoh")[1:] == [
        {
            "aturan gagal": "rentang_umur",
            "id": "7",
            "berat": "",
            "umur": "130",
            "_source_position": "baris 8",
        },
        {
            "aturan gagal": "rentang_umur",
            "id": "***",
            "berat": "",
            "umur": None,
            "_source_position": "baris 9",
        },
    ]


def test_long_names_of_expectations_are_shortened() -> None:
    (row,) = rows(page(replace(RANGE, expectation="expect_column_values_to_be_between")), "aturan")
    assert row["ekspektasi"] == "column_values_to_be_between"


def test_check_is_an_error_only_if_a_failed_rule_is() -> None:
    assert page(REQUIRED, RANGE).severity == dg.AssetCheckSeverity.WARN
    assert page(replace(REQUIRED, passed=False), RANGE).severity == dg.AssetCheckSeverity.ERROR


def test_sql_of_a_rejected_load_says_that_it_reads_another_table() -> None:
    text = page(RANGE, dropped="Barisnya tidak ada di raw.").metadata["sql"].value
    assert isinstance(text, str) and text.startswith("Barisnya tidak ada di raw.\n\nrentang_umur:")


def test_rule_of_the_whole_table_shows_its_own_sentence_and_no_deviating_rows() -> None:
    message = "Daftar terpotong. (95 baris, seharusnya 100 sampai 400)"
    counted = CheckResult("jumlah", "error", False, None, 95, message, "row_count", "95 baris")
    result = page(counted, group=Group("jumlah", (Rule("jumlah", True),)))
    assert result.description == message
    (row,) = rows(result, "aturan")
    assert (row["nilai terlihat"], row["menyimpang"]) == ("95 baris", "")


def test_many_failed_rules_are_counted_and_three_are_named() -> None:
    failed = [replace(RANGE, name=f"r{n}", message=f"pesan {n}", query="", sample=None) for n in range(5)]
    assert describe(failed, "umur") == (
        "5 dari 5 aturan gagal: r0: pesan 0; r1: pesan 1; r2: pesan 2; 2 lainnya ada di tabel aturan."
    )


def test_last_result_says_why_there_is_no_newer_one() -> None:
    note = "berkas tidak berubah; hasil 2026-03-01 02:30 tetap berlaku."
    result = page(replace(REQUIRED, note=note), replace(RANGE, passed=True, query="", note=note))
    assert result.description == f"2 aturan lulus, 1.204 baris ({note})"


def test_check_without_a_result_of_any_rule_has_none() -> None:
    assert result_of_group(KEY, UMUR, {"lain": REQUIRED}) is None


def test_partitioned_dataset_shows_the_result_of_each_window() -> None:
    at = datetime(2026, 3, 4, 2, 30)
    second, third = date(2026, 3, 2), date(2026, 3, 3)
    windows = [
        WindowResult(third, third, "wajib_umur", True, 0, 50, at),
        WindowResult(third, third, "rentang_umur", False, 3, 50, at),
        WindowResult(date(2026, 3, 1), second, "wajib_umur", True, 0, 90, at),
        WindowResult(third, third, "unik_kunci", False, 9, 50, at),
    ]
    assert rows(page(REQUIRED, RANGE, windows=windows), "jendela") == [
        {
            "jendela": "2026-03-03", "hasil": "gagal", "aturan gagal": "rentang_umur",
            "menyimpang": "3 dari 50", "diperiksa": "2026-03-04 02:30",
        },
        {
            "jendela": "2026-03-01 s.d. 2026-03-02", "hasil": "lulus", "aturan gagal": "",
            "menyimpang": "0 dari 90", "diperiksa": "2026-03-04 02:30",
        },
    ]  # fmt: skip


def test_window_that_still_fails_is_a_warning_though_a_later_load_of_another_window_is_clean() -> None:
    at, third = datetime(2026, 3, 4, 2, 30), date(2026, 3, 3)
    clean = replace(RANGE, passed=True, unexpected=0, query="", sample=None)
    failing = WindowResult(third, third, "rentang_umur", False, 3, 50, at, stands=True)
    result = page(REQUIRED, clean, windows=[failing, replace(failing, name="unik_kunci")])
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description == (
        "Jendela yang masih gagal: 2026-03-03 (rentang_umur). Perbaiki di sumbernya, lalu muat jendela itu lagi."
        " Hasil terakhir: 2 aturan lulus, 1.204 baris"
    )
    assert page(REQUIRED, clean, windows=[replace(failing, stands=False)]).passed


def test_check_that_fails_itself_keeps_its_sentence_and_severity() -> None:
    failing = WindowResult(
        date(2026, 3, 3), date(2026, 3, 3), "rentang_umur", False, 3, 50, datetime.min, True
    )
    failed = replace(REQUIRED, passed=False)
    assert page(failed, RANGE, windows=[failing]).description == page(failed, RANGE).description
    assert page(failed, RANGE, windows=[failing]).severity == dg.AssetCheckSeverity.ERROR
