"""What Great Expectations answers, as a result: a check that passed says what it saw, a failed one what is wrong."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.errors import QualityError
from pipelines.quality.results import CheckResult
from pipelines.quality.run import instantiate, result_of
from pipelines.quality.suites import QUERY_TYPE, ROW_COUNT_TYPE, Expectation

NOT_NULL = "expect_column_values_to_not_be_null"
MEAN = "expect_column_mean_to_be_between"
WRONG = "Ada yang salah."


def answer(success: bool, raised: str = "", **counts: Any) -> SimpleNamespace:
    """A result of Great Expectations; without counts a plain yes or no."""
    return SimpleNamespace(
        success=success, result=counts, exception_info={"exception_message": raised} if raised else {}
    )


def result(type_: str, verdict: object, counted: object = None, rows: int | None = 1204) -> CheckResult:
    return result_of(Expectation("uji", type_, message=WRONG), verdict, counted, rows)


def test_values_that_all_keep_the_rule() -> None:
    seen = result(NOT_NULL, answer(True))
    assert seen == CheckResult("uji", "error", True, 0, 1204, "0 dari 1.204 baris menyimpang")


def test_values_of_an_unknown_number_of_rows() -> None:
    seen = result(NOT_NULL, answer(True), rows=None)
    assert seen == CheckResult("uji", "error", True, 0, None, "0 baris menyimpang")


def test_values_of_which_few_may_deviate() -> None:
    """`mostly`: the expectation passes, and yet rows deviate."""
    seen = result(NOT_NULL, None, answer(True, unexpected_count=12, element_count=1204))
    assert (seen.passed, seen.unexpected, seen.message) == (True, 12, "12 dari 1.204 baris menyimpang")


def test_values_that_break_the_rule() -> None:
    seen = result(NOT_NULL, answer(False), answer(False, unexpected_count=3, element_count=1204))
    assert (seen.passed, seen.unexpected) == (False, 3)
    assert seen.message == "Ada yang salah. (3 dari 1.204 baris menyimpang)"


@pytest.mark.parametrize(("passed", "text"), [(True, "192 baris"), (False, "Ada yang salah. (192 baris)")])
def test_a_number_of_rows(passed: bool, text: str) -> None:
    known = result(ROW_COUNT_TYPE, answer(passed), None if passed else answer(False, observed_value=192), 192)
    counted = result(ROW_COUNT_TYPE, None, answer(passed, observed_value=192), None)
    assert {known.message, counted.message} == {text}
    assert {known.unexpected, counted.unexpected} == {0 if passed else None}


def test_no_rows_at_all() -> None:
    assert result(ROW_COUNT_TYPE, answer(False), answer(False, observed_value=0), 0).message.endswith(
        "(0 baris)"
    )


def test_a_query_without_rows() -> None:
    seen = result(QUERY_TYPE, answer(True))
    assert (seen.unexpected, seen.message) == (0, "0 dari 1.204 baris menyimpang")


def test_a_query_with_rows_which_need_not_be_rows_of_the_table() -> None:
    seen = result(QUERY_TYPE, answer(False), answer(False, observed_value=3000))
    assert (seen.unexpected, seen.message) == (3000, "Ada yang salah. (3.000 baris menyimpang)")


@pytest.mark.parametrize(
    ("passed", "text"), [(True, "nilai terlihat: 0,75"), (False, "Ada yang salah. (nilai terlihat: 0,75)")]
)
def test_a_number_over_a_whole_column(passed: bool, text: str) -> None:
    seen = result(MEAN, None, answer(passed, observed_value=0.75))
    assert (seen.passed, seen.unexpected, seen.message) == (passed, 0 if passed else None, text)


def test_an_observed_text_may_be_a_cells_value_and_is_not_shown() -> None:
    kind = "expect_column_max_to_be_between"
    assert result(kind, None, answer(True, observed_value="rahasia")).message == "sesuai ekspektasi"
    assert result(kind, None, answer(False, observed_value="rahasia")).message == WRONG


def test_one_that_could_not_be_run_has_failed_and_says_why() -> None:
    refused = answer(False, '(psycopg.errors.UndefinedColumn) column "x" does not exist\nLINE 1')
    assert result(QUERY_TYPE, refused).message == (
        'Ada yang salah. Pemeriksaan tidak dapat dijalankan: column "x" does not exist (unexpected_rows_expectation).'
    )
    quoting = answer(False, '(psycopg.errors.InvalidTextRepresentation) invalid input "rahasia"')
    assert "InvalidTextRepresentation" in result(QUERY_TYPE, quoting).message
    assert "rahasia" not in result(QUERY_TYPE, quoting).message
    late = answer(False, "(psycopg.errors.QueryCanceled) canceling statement due to statement timeout")
    assert "tidak selesai dalam batas waktunya" in result(QUERY_TYPE, late).message


def test_one_that_repeats_another_has_failed_and_says_so() -> None:
    assert "ekspektasi lain di suite ini menanyakan hal yang sama" in result(NOT_NULL, None).message


def test_an_unknown_type_gets_the_nearest_known_one() -> None:
    with pytest.raises(QualityError, match=r"maksudnya expect_column_values_to_not_be_null\?"):
        instantiate("dinkes/kunjungan", Expectation("uji", "expect_column_value_to_not_be_null"))


def test_arguments_that_great_expectations_refuses() -> None:
    with pytest.raises(QualityError, match="kwargs ditolak Great Expectations"):
        instantiate("dinkes/kunjungan", Expectation("uji", NOT_NULL, {"kolom": "x"}))
