"""The SQL that a failed rule shows finds exactly the rows that Great Expectations counted, and its sample is of them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from pipelines.quality.evidence import Table, with_evidence
from pipelines.quality.run import run_suite
from pipelines.quality.suites import QUERY, QUERY_TYPE, Expectation
from pipelines.warehouse.relation import Relation

RULES: dict[str, dict[str, Any]] = {
    "expect_column_values_to_not_be_null": {"column": "a"},
    "expect_column_values_to_be_unique": {"column": "c"},
    "expect_compound_columns_to_be_unique": {"column_list": ["c", "Kolom X"]},
    "expect_column_values_to_be_in_set": {"column": "a", "value_set": ["50%", "x1"]},
    "expect_column_values_to_be_between": {"column": "d", "min_value": "2026-01-05"},
    "expect_column_value_lengths_to_be_between": {"column": "a", "max_value": 2},
    "expect_column_values_to_match_regex": {"column": "a", "regex": "^x[0-9]{1}$"},
    "expect_column_pair_values_a_to_be_greater_than_b": {"column_A": "c", "column_B": "b"},
    "expect_column_values_to_match_like_pattern": {"column": "Kolom X", "like_pattern": "a0%"},
    QUERY_TYPE: {QUERY: "select 1 from {batch} where a ~ '^x[0-9]{{2}}$'"},
}


@pytest.fixture
def connection(warehouse_url: str) -> psycopg.Connection[Any]:
    with psycopg.connect(warehouse_url, autocommit=True) as made:
        made.execute("""
            create table public.uji as
            select g as id, case when g % 7 = 0 then null when g % 5 = 0 then '50%' else 'x' || g end as a, g as b,
                g % 3 as c, date '2026-01-01' + g as d, 'a' || (g % 4) as "Kolom X", 'baris ' || g as letak
            from generate_series(1, 50) as g
        """)
    return psycopg.connect(warehouse_url)


def test_shown_sql_finds_the_rows_that_were_counted(connection: psycopg.Connection[Any]) -> None:
    relation = Relation("public", "uji")
    shown = frozenset({"id", "b", "c", "d", "Kolom X"})
    table = Table(("id", "a", "b", "c", "d", "Kolom X"), ("id",), shown, "letak")
    expectations = [Expectation(type_, type_, kwargs) for type_, kwargs in RULES.items()]
    with connection:
        results = with_evidence(
            run_suite(expectations, relation, 50, connection), table, connection, relation, lambda: relation
        )
        for result in results:
            assert result.sample is not None, result.name
            found = connection.execute(result.query.encode()).fetchall()
            assert len(found) == result.unexpected, result.name
            places = {row[-1] for row in found}
            assert 0 < len(result.sample.rows) <= 5, result.name
            assert {row[-1] for row in result.sample.rows} <= places, result.name
            values = [dict(zip(result.sample.columns, row, strict=True)) for row in result.sample.rows]
            assert {row.get("a") for row in values} <= {"***", None}, "the closed column is masked"
