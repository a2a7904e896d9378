"""Great Expectations' data sources on the warehouse, where several threads check at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from pipelines.quality.gx_source import data_source
from pipelines.quality.results import CheckResult
from pipelines.quality.run import run_suite
from pipelines.quality.suites import Expectation
from pipelines.warehouse.relation import Relation

POSITIVE = Expectation("positif", "expect_column_values_to_be_between", {"column": "n", "min_value": 1})


def nothing_held(*_: Any) -> dict[str, CheckResult]:
    return {}


def test_two_callers_with_one_url_have_a_data_source_each(module_pg_url: str) -> None:
    with data_source(module_pg_url) as first, data_source(module_pg_url) as second:
        assert first is not second
        assert first.name != second.name


def test_threads_that_check_tables_of_one_url_each_get_their_own_answer(module_pg_url: str) -> None:
    with psycopg.connect(module_pg_url, autocommit=True) as session:
        for n in range(4):
            session.execute(f"create table public.t{n} as select {n} as n")  # type: ignore[arg-type]

    def check(n: int) -> bool:
        table = Relation("public", f"t{n % 4}")
        (found,) = run_suite([POSITIVE], table, None, module_pg_url, held=nothing_held)
        assert "tidak dapat dijalankan" not in found.message
        return found.passed

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(check, range(12))) == [n % 4 > 0 for n in range(12)]
