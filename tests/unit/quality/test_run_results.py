"""How an answer of Great Expectations becomes a result with a message."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.errors import QualityError
from pipelines.quality.results import CheckResult
from pipelines.quality.run import instantiate, result_of
from pipelines.quality.suites import QUERY, QUERY_TYPE, ROW_COUNT_TYPE, Expectation
from pipelines.warehouse.relation import Relation

NOT_NULL = "expect_column_values_to_not_be_null"
MEAN = "expect_column_mean_to_be_between"
WRONG = "Ada yang salah."
STAGE = Relation("landing", "dinkes__kunjungan_7")


def answer(success: bool, raised: str = "", **counts: Any) -> SimpleNamespace:
    """A result of Great Expectations, with counts only if they are given."""
    return SimpleNamespace(
        success=success, result=counts, exception_info={"exception_message": raised} if raised else {}
    )


def result(type_: str, verdict: object, counted: object = None, rows: int | None = 1204) -> CheckResult:
    kwargs = {QUERY: "select a from {batch} where a ~ '[0-9]{{2}}'"} if type_ == QUERY_TYPE else {}
    return result_of(Expectation("uji", type_, kwargs, message=WRONG), verdict, counted, rows, STAGE)


def test_passed_check_of_values_counts_zero_of_all_rows() -> None:
    seen = result(NOT_NULL, answer(True))
    assert seen == CheckResult("uji", "error", True, 0, 1204, "0 dari 1.204 baris menyimpang", NOT_NULL)


def test_passed_check_names_no_total_if_it_is_unknown() -> None:
    seen = result(NOT_NULL, answer(True), rows=None)
    assert seen == CheckResult("uji", "error", True, 0, None, "0 baris menyimpang", NOT_NULL)


def test_check_with_mostly_passes_and_counts_the_deviating_rows() -> None:
    seen = result(NOT_NULL, None, answer(True, unexpected_count=12, element_count=1204))
    assert (seen.passed, seen.unexpected, seen.message) == (True, 12, "12 dari 1.204 baris menyimpang")


def test_failed_check_of_values_shows_its_sentence_and_the_count() -> None:
    seen = result(NOT_NULL, answer(False), answer(False, unexpected_count=3, element_count=1204))
    assert (seen.passed, seen.unexpected) == (False, 3)
    assert seen.message == "Ada yang salah. (3 dari 1.204 baris menyimpang)"


@pytest.mark.parametrize(("passed", "text"), [(True, "192 baris"), (False, "Ada yang salah. (192 baris)")])
def test_row_count_is_shown_whether_it_was_known_or_counted_by_gx(passed: bool, text: str) -> None:
    known = result(ROW_COUNT_TYPE, answer(passed), None if passed else answer(False, observed_value=192), 192)
    counted = result(ROW_COUNT_TYPE, None, answer(passed, observed_value=192), None)
    assert {known.message, counted.message} == {text}
    assert {known.unexpected, counted.unexpected} == {0 if passed else None}


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ({"min_value": 100, "max_value": 400}, "(95 baris, seharusnya 100 sampai 400)"),
        ({"min_value": 1204}, "(95 baris, seharusnya sedikitnya 1.204)"),
        ({"max_value": 9}, "(95 baris, seharusnya paling banyak 9)"),
    ],
)
def test_failed_row_count_shows_what_it_should_be_and_no_deviating_rows(
    bounds: dict[str, int], text: str
) -> None:
    expectation = Expectation("uji", ROW_COUNT_TYPE, bounds, message=WRONG)
    seen = result_of(expectation, answer(False), answer(False, observed_value=95), 95)
    assert (seen.message, seen.unexpected, seen.query) == (f"{WRONG} {text}", None, "")
    assert f"({seen.observed})" == text


def test_failed_rule_has_a_query_for_its_rows_with_a_name_for_the_checked_relation() -> None:
    """GX writes the relation's name and doubles each percent sign; a written query doubles its braces."""
    wrong = "SELECT a \nFROM landing.dinkes__kunjungan_7 \nWHERE a LIKE 'x%%'"
    counted = answer(False, unexpected_count=3, element_count=9, unexpected_index_query=wrong)
    assert (
        result(NOT_NULL, answer(False), counted).query == "SELECT a \nFROM gudang_baris \nWHERE a LIKE 'x%'"
    )
    seen = result(QUERY_TYPE, answer(False), answer(False, observed_value=3))
    assert seen.query == "select a from gudang_baris where a ~ '[0-9]{2}'"


def test_row_count_of_an_empty_table_is_zero() -> None:
    assert result(ROW_COUNT_TYPE, answer(False), answer(False, observed_value=0), 0).message.endswith(
        "(0 baris)"
    )


def test_query_that_finds_no_rows_counts_zero_of_all_rows() -> None:
    seen = result(QUERY_TYPE, answer(True))
    assert (seen.unexpected, seen.message) == (0, "0 dari 1.204 baris menyimpang")


def test_query_may_find_more_rows_than_the_table_has_so_no_total_is_named() -> None:
    seen = result(QUERY_TYPE, answer(False), answer(False, observed_value=3000))
    assert (seen.unexpected, seen.message) == (3000, "Ada yang salah. (3.000 baris menyimpang)")


@pytest.mark.parametrize(
    ("passed", "text"), [(True, "nilai terlihat: 0,75"), (False, "Ada yang salah. (nilai terlihat: 0,75)")]
)
def test_observed_number_of_an_open_column_is_shown(passed: bool, text: str) -> None:
    expectation = Expectation("uji", MEAN, {"column": "harga"}, message=WRONG)
    found = answer(passed, observed_value=0.75)
    seen = result_of(expectation, None, found, 9, STAGE, frozenset({"harga"}))
    assert (seen.passed, seen.unexpected, seen.message) == (passed, 0 if passed else None, text)


@pytest.mark.parametrize("kind", ["max", "min", "median", "mean", "sum", "stdev", "quantile_values"])
@pytest.mark.parametrize("passed", [True, False])
def test_observed_number_of_a_closed_column_is_not_shown_because_it_may_be_a_persons(
    kind: str, passed: bool
) -> None:
    expectation = Expectation("uji", f"expect_column_{kind}_to_be_between", {"column": "gaji"}, message=WRONG)
    seen = result_of(expectation, None, answer(passed, observed_value=9876), 9, STAGE, frozenset({"harga"}))
    assert (seen.message, seen.observed) == ("sesuai ekspektasi" if passed else WRONG, "")


@pytest.mark.parametrize(
    "kind",
    [
        "expect_column_unique_value_count_to_be_between",
        "expect_column_proportion_of_unique_values_to_be_between",
        "expect_table_column_count_to_be_between",
    ],
)
def test_count_or_share_is_shown_whatever_the_column_is(kind: str) -> None:
    expectation = Expectation("uji", kind, {"column": "gaji"}, message=WRONG)
    assert result_of(expectation, None, answer(False, observed_value=7), 9, STAGE).observed == "7"


def test_observed_text_is_not_shown_because_it_may_be_a_cell() -> None:
    kind = "expect_column_max_to_be_between"
    assert result(kind, None, answer(True, observed_value="rahasia")).message == "sesuai ekspektasi"
    assert result(kind, None, answer(False, observed_value="rahasia")).message == WRONG


def test_check_that_cannot_run_fails_with_the_reason_but_no_value() -> None:
    refused = answer(False, '(psycopg.errors.UndefinedColumn) column "x" does not exist\nLINE 1')
    assert result(QUERY_TYPE, refused).message == (
        'Ada yang salah. Pemeriksaan tidak dapat dijalankan: column "x" does not exist (unexpected_rows_expectation).'
    )
    quoting = answer(False, '(psycopg.errors.InvalidTextRepresentation) invalid input "rahasia"')
    assert "InvalidTextRepresentation" in result(QUERY_TYPE, quoting).message
    assert "rahasia" not in result(QUERY_TYPE, quoting).message
    late = answer(False, "(psycopg.errors.QueryCanceled) canceling statement due to statement timeout")
    assert "tidak selesai dalam batas waktunya" in result(QUERY_TYPE, late).message


def test_check_that_repeats_another_fails_with_that_reason() -> None:
    assert "ekspektasi lain di suite ini menanyakan hal yang sama" in result(NOT_NULL, None).message


def test_unknown_type_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(QualityError, match=r"maksudnya expect_column_values_to_not_be_null\?"):
        instantiate("dinkes/kunjungan", Expectation("uji", "expect_column_value_to_not_be_null"))


def test_arguments_that_gx_refuses_are_reported() -> None:
    with pytest.raises(QualityError, match="kwargs ditolak Great Expectations"):
        instantiate("dinkes/kunjungan", Expectation("uji", NOT_NULL, {"kolom": "x"}))
