"""The statement that records what raw holds after a load."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.windows import Window
from pipelines.load.raw_summary import count_by_day, is_recorded, quarantined_by_day, summarise
from pipelines.load.stage.entry_periods import moment_of_entry
from tests.support.contracts import column
from tests.support.statements import ID, clauses, contract_of, plan_of, written


def expected(until: str, alive: str, has_sample: str = "false") -> list[str]:
    return clauses(
        f'select count(*), ({until})::text, {has_sample} from "raw"."uji__data" where {alive}'  # noqa: S608
    )


@pytest.mark.parametrize(
    ("custom", "alive"),
    [
        ({}, "true"),
        ({"write_disposition": "merge", "cursor": "urut", "reconcile": "P7D"}, "deleted_at is null"),
        ({"write_disposition": "merge", "merge_strategy": "scd2"}, "is_current"),
    ],
)
def test_only_current_rows_that_are_not_deleted_are_counted(
    tmp_path: Path, custom: dict[str, Any], alive: str
) -> None:
    plan = plan_of(contract_of(tmp_path, ID, column("urut", "integer", required=True), **custom))
    assert clauses(summarise(plan, [])) == expected("null::timestamptz", alive)


def test_rows_of_a_load_of_made_up_rows_count_as_a_sample(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID))
    assert clauses(summarise(plan, [3, 7])) == expected(
        "null::timestamptz", "true", "coalesce(bool_or(_batch_id = any('{3,7}'::int2[]::bigint[])), false)"
    )


def test_statement_asks_whether_an_earlier_load_was_recorded(tmp_path: Path) -> None:
    assert is_recorded(plan_of(contract_of(tmp_path, ID))).as_string(None) == (
        "select exists (select from ops.load_batch where dataset = 'uji/data' and rows_in_raw is not null)"
    )


BEGUN = "max({0}) filter (where {0} <= transaction_timestamp())"


@pytest.mark.parametrize(
    ("period", "begin", "until"),
    [
        ("date", '"masa"', "({0} + interval '1 day' - interval '1 second')::timestamptz"),
        ("timestamp", '"masa"', "({0})::timestamptz"),
        (
            "integer",
            'case when "masa" between 1900 and 2200 then make_date("masa"::integer, 1, 1) end',
            "({0} + interval '1 day' - interval '1 second')::timestamptz",
        ),
        (
            "text",
            "case when \"masa\" ~ '^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$' then to_date(\"masa\", 'YYYY-MM') end",
            "({0} + interval '1 day' - interval '1 second')::timestamptz",
        ),
    ],
)
def test_data_reach_to_the_end_of_the_newest_period_that_has_begun(
    tmp_path: Path, period: str, begin: str, until: str
) -> None:
    plan = plan_of(replace(contract_of(tmp_path, ID, column("masa", period)), period="masa"))
    wanted = until.format(BEGUN.format(begin))
    assert clauses(summarise(plan, [])) == expected(wanted, "true")


def test_first_day_of_a_month_stands_for_the_month_if_windows_are_monthly(tmp_path: Path) -> None:
    contract = contract_of(
        tmp_path,
        ID,
        column("masa", "date", required=True),
        partition={"column": "masa", "every": "monthly", "start": "2024-01-01"},
    )
    begun = BEGUN.format('"masa"')
    length = (
        f"case when extract(day from {begun}) = 1 then make_interval(months => 1) else interval '1 day' end"
    )
    assert clauses(summarise(plan_of(contract), [])) == expected(
        f"({begun} + {length} - interval '1 second')::timestamptz", "true"
    )


def test_rows_are_counted_by_the_days_of_the_window(tmp_path: Path) -> None:
    partition = {"column": "hari", "every": "daily", "start": "2026-01-01"}
    contract = contract_of(tmp_path, ID, column("hari", "date"), partition=partition)
    assert contract.partition
    window = Window(date(2026, 3, 1), date(2026, 3, 2))
    assert count_by_day(contract, contract.partition, window).as_string(None) == (
        'select "hari"::date, count(*) from "raw"."uji__data" where "hari" >= \'2026-03-01\'::date'
        " and \"hari\" < ('2026-03-02'::date::date + 1) and true group by 1"
    )


def test_rows_in_quarantine_are_counted_by_day_where_their_day_can_be_read(tmp_path: Path) -> None:
    partition = {"column": "hari", "every": "daily", "start": "2026-01-01"}
    contract = contract_of(tmp_path, ID, column("hari", "date"), partition=partition)
    assert contract.partition
    query = quarantined_by_day(contract, Window(date(2026, 3, 1), date(2026, 3, 2)))
    moment = written(moment_of_entry(contract))
    assert query.as_string(None) == (
        f"select moment::date, count(*) from (select {moment} as moment from quarantine.row q"  # noqa: S608
        " where dataset = 'uji/data' and state = 'open') w"
        " where \"moment\" >= '2026-03-01'::date and \"moment\" < ('2026-03-02'::date::date + 1) group by 1"
    )
