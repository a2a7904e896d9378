"""The SQL that answers expectations before Great Expectations is asked."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.quality.first_pass import is_known, row_rule
from pipelines.quality.suites import QUERY, QUERY_TYPE, Expectation

VALUES = "expect_column_values_to_"


def deviates(type_: str, **kwargs: Any) -> str | None:
    """The condition of a deviating row, as text."""
    rule = row_rule(Expectation("uji", type_, kwargs))
    return rule and rule.deviates.as_string(None)


def written(query: str) -> str | None:
    """The condition of a written query."""
    rule = row_rule(Expectation("uji", QUERY_TYPE, {QUERY: query}))
    return rule and rule.deviates.as_string(None)[1:-1].strip()


@pytest.mark.parametrize(
    ("type_", "kwargs", "condition"),
    [
        (VALUES + "not_be_null", {}, 'true and not ("n" is not null)'),
        (VALUES + "be_in_set", {"value_set": ["a", "b"]}, """"n" is not null and not ("n" in ('a', 'b'))"""),
        (
            VALUES + "be_between",
            {"min_value": 1, "max_value": 9, "strict_max": True},
            '"n" is not null and not ("n" >= 1 and "n" < 9)',
        ),
        (
            "expect_column_value_lengths_to_be_between",
            {"min_value": 16},
            '"n" is not null and not (length("n") >= 16)',
        ),
        (VALUES + "match_regex", {"regex": "^[0-9]+$"}, """"n" is not null and not ("n" ~ '^[0-9]+$')"""),
    ],
)
def test_rule_of_one_column(type_: str, kwargs: dict[str, Any], condition: str) -> None:
    assert deviates(type_, column="n", **kwargs) == condition


def test_rule_of_two_columns_judges_rows_that_have_one_of_them() -> None:
    judged = '("a" is not null or "b" is not null)'
    greater = deviates(
        "expect_column_pair_values_a_to_be_greater_than_b", column_A="a", column_B="b", or_equal=True
    )
    assert greater == f'{judged} and not ("a" >= "b")'
    equal = deviates("expect_column_pair_values_to_be_equal", column_A="a", column_B="b")
    assert equal == f'{judged} and not (("a" = "b") is true)'


@pytest.mark.parametrize(
    ("type_", "kwargs"),
    [
        (VALUES + "be_between", {"column": "n", "min_value": 1, "row_condition": "x > 1"}),
        (VALUES + "be_between", {"column": "n"}),
        (VALUES + "be_in_set", {"column": "n", "value_set": []}),
        (VALUES + "be_in_set", {"column": "n", "value_set": [None]}),
        (VALUES + "match_regex", {"regex": "a"}),
        ("expect_column_mean_to_be_between", {"column": "n", "min_value": 1}),
    ],
)
def test_what_is_not_known_exactly_is_left_to_great_expectations(type_: str, kwargs: dict[str, Any]) -> None:
    assert not is_known(Expectation("uji", type_, kwargs))


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("select id from {batch} where a < b;", "a < b"),
        ("select id from {batch} where a is distinct from b", "a is distinct from b"),
        ("select 1 from {batch} where n ~ '^[0-9]{{2}}$'", "n ~ '^[0-9]{2}$'"),
        (
            "select 1 from {batch} where k not in (select r.kode from core.ref_opd r)",
            "k not in (select r.kode from core.ref_opd r)",
        ),
    ],
)
def test_written_query_about_single_rows_is_a_rule(query: str, rule: str) -> None:
    assert written(query) == rule


@pytest.mark.parametrize(
    "query",
    [
        "select id from {batch} where a < b limit 1",
        "select id from {batch} where a < b union all select id from {batch} where c",
        "select id from {batch} group by id having count(*) > 1",
        "select count(*) from {batch} where a < b",
        "select b.id from {batch} b join core.ref_opd r on r.kode = b.kode where r.nama <> b.nama",
        "select b.id from {batch} b where not exists (select from core.ref_opd r where r.kode = b.kode)",
        "select b.id from {batch} b where b.n > (select avg(n) from {batch})",
        "select b.id from {batch} b where b.k in (select r.kode from core.ref_opd r where r.n = b.n)",
        "select b.id from {batch} b where b.k in (select kode from core.ref_opd)",
        "select b.id from {batch} b where b.a < b.b",
        "select 1 from {batch}, core.ref_opd r where r.kode = kode",
        "select 1 from core.ref_opd where kode is null",
        "select 1 from {batch} where {lain}",
        "bukan kueri",
    ],
)
def test_any_other_query_is_no_rule_of_single_rows(query: str) -> None:
    assert written(query) is None
