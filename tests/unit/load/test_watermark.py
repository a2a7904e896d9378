"""The statements of the watermark: how it advances, from which value a source is read, and how it is lowered."""

# ruff: noqa: S608  # parts of expected statements

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from pipelines.load import watermark
from tests.support.contracts import column
from tests.support.statements import CHANGED, ID, clauses, contract_of, plan_of, written

MERGED: dict[str, Any] = {"write_disposition": "merge", "cursor": "diubah"}
API: dict[str, Any] = {
    "server": {"server": "uji", "type": "api", "location": "${UJI_URL}"},
    "extract": {"path": "/v1", "records": "/data", "incremental_param": "since"},
}
POSSIBLE = """
    {0} between '0002-01-01'::timestamp and (transaction_timestamp() + '1 day'::interval)::timestamp
""".strip()
VALID = f"""
    case when "w"."column_name" <> 'diubah' then false
        when pg_input_is_valid("w"."value", 'timestamp') then {POSSIBLE.format('"w"."value"::timestamp')}
        else false end
""".strip()


@pytest.mark.parametrize(
    ("kind", "predicate"),
    [
        ("timestamp", POSSIBLE.format('"c"')),
        ("numeric", """("c" > '-infinity' and "c" < 'infinity')"""),
        ("integer", "true"),
        (
            "text",
            """("c" !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}' or "c" collate "C" <"""
            " to_char(transaction_timestamp() + '1 day'::interval + interval '1 day', 'YYYY-MM-DD'))",
        ),
    ],
)
def test_type_decides_which_cursor_values_are_possible(tmp_path: Path, kind: str, predicate: str) -> None:
    cursor = contract_of(tmp_path, column("c", kind)).column("c")
    assert written(watermark.is_possible(cursor, sql.Identifier("c"))) == predicate


def test_watermark_advances_to_the_highest_possible_value_and_never_decreases(tmp_path: Path) -> None:
    kept_is_later = f"{VALID} and w.value::timestamp > excluded.value::timestamp"
    assert clauses(watermark.advance(plan_of(contract_of(tmp_path, ID, CHANGED, **MERGED)))) == clauses(f"""
        insert into ops.watermark as w (dataset, value, batch_id, source_text, column_name)
        select 'uji/data', to_jsonb(h.value)#>>'{{}}', 7, null::text, 'diubah'
        from (
            select max("diubah") from "landing"."uji__data__7_stage" where {POSSIBLE.format('"diubah"')}
        ) h (value)
        where h.value is not null
        on conflict (dataset) do update
        set batch_id = excluded.batch_id, column_name = excluded.column_name,
            (value, source_text) = (
                select case when {kept_is_later} then w.value else excluded.value end,
                    case when {kept_is_later} then w.source_text else excluded.source_text end
            )
    """)


def test_rows_with_an_impossible_cursor_value_are_counted(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, CHANGED, **MERGED))
    assert clauses(watermark.count_impossible(plan)) == clauses(
        f'select count(*) from "landing"."uji__data__7_stage" where not {POSSIBLE.format(chr(34) + "diubah" + chr(34))}'
    )


def test_original_text_of_the_cursor_value_is_kept_for_an_api(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, CHANGED, **MERGED, **API))
    assert clauses(watermark.source_text(plan, sql.SQL("h.value"))) == clauses("""
        (select l."diubah" from "landing"."uji__data__7_landing" l
        cross join lateral (select "l"."id" as "id", "l"."diubah" as "diubah") b
        where case when pg_input_is_valid("b"."diubah", 'timestamp') then "b"."diubah"::timestamp end = h.value
            and not exists (select from "pg_temp"."rejected_rows" r where r.rid = l.ctid) limit 1)
    """)


def test_reading_begins_at_the_watermark_minus_the_lag(tmp_path: Path) -> None:
    plain = plan_of(contract_of(tmp_path, ID, CHANGED, **MERGED))
    assert clauses(watermark.read_since(plain)) == clauses(f"""
        select to_jsonb((value::timestamp)::timestamp)#>>'{{}}' from ops.watermark w
        where dataset = 'uji/data' and {VALID} and true
    """)
    lagging = plan_of(contract_of(tmp_path / "lag", ID, CHANGED, lag="PT1H", **MERGED))
    assert clauses(watermark.read_since(lagging)) == clauses(f"""
        select to_jsonb((
            greatest(value::timestamp - 'PT1H'::interval, '0002-01-01'::timestamp)
        )::timestamp)#>>'{{}}' from ops.watermark w
        where dataset = 'uji/data' and {VALID} and true
    """)


def test_api_is_read_from_the_watermark_only_if_its_text_is_known(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, CHANGED, **MERGED, **API))
    assert written(watermark.read_since(plan)).endswith(" and source_text is not null")


def test_numeric_text_of_an_api_is_reduced_by_the_difference(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, ID, column("diubah", "integer", required=True), **MERGED, **API)
    assert clauses(watermark.since_text(plan_of(contract, since="40"))) == clauses("""
        select case when value::integer = '40'::integer then source_text
            else case when pg_input_is_valid(source_text, 'numeric')
                then (source_text::numeric - (value::numeric - ('40'::integer)::numeric))::text end
            end
        from ops.watermark where dataset = 'uji/data'
    """)


def test_watermark_can_be_lowered_and_deleted(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, CHANGED, **MERGED))
    assert clauses(watermark.lower(plan, plan, "2026-11-01")) == clauses("""
        update ops.watermark set value = to_jsonb('2026-11-01'::timestamp)#>>'{}', source_text = null::text
        where dataset = 'uji/data' and value::timestamp > '2026-11-01'::timestamp
    """)
    assert written(watermark.forget(plan)) == "delete from ops.watermark where dataset = 'uji/data'"
