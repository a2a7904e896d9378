"""The statements that keep one row of raw for every version of a key."""

# ruff: noqa: S608  # parts of expected statements

from __future__ import annotations

from pathlib import Path

from pipelines.load.apply.history import close_versions, correct_versions, open_versions
from tests.support.statements import CHANGED, ID, NAME, clauses, contract_of, plan_of

SCD2 = {"write_disposition": "merge", "merge_strategy": "scd2"}

BEGIN = """
    case when "v"."diubah" between '0002-01-01'::timestamp
            and (transaction_timestamp() + '1 day'::interval)::timestamp
        then "v"."diubah"::timestamptz else transaction_timestamp() end
"""
"""A version begins at its cursor value if this is a possible time, or else at the time of the load."""

VERSIONS = f"""
    (
        select distinct on ("id", _begin) *
        from (select *, {BEGIN} as _begin from "landing"."uji__data__7_stage" v) v
        order by "id", _begin, "diubah" desc
    )
"""


def test_versions_of_a_key_without_a_current_one_open_after_its_last_end(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, NAME, CHANGED, cursor="diubah", **SCD2))
    assert clauses(open_versions(plan)) == clauses(f"""
        insert into "raw"."uji__data" (
            "id", "nama", "diubah", "_batch_id", "_loaded_at", "_source_position", valid_from, valid_to, is_current
        )
        with without_current as (
            select s.*, last._ended, s._begin >= coalesce(last._ended, '-infinity') as _follows
            from {VERSIONS} s
            left join lateral (select max(t.valid_to) as _ended from "raw"."uji__data" t where "s"."id" = "t"."id") last
                on true
            where not exists (select from "raw"."uji__data" t where t.is_current and "s"."id" = "t"."id")
        ),
        ranked as (
            select *,
                bool_or(_follows) over (partition by "id") as _any_follows,
                row_number() over (partition by "id" order by _begin desc) as _place
            from without_current
        ),
        opened as (
            select *,
                case when _follows then _begin else greatest(transaction_timestamp(), _ended) end as valid_from,
                lead(_begin) over (partition by "id" order by _begin) as valid_to
            from ranked
            where _follows or (not _any_follows and _place = 1)
        )
        select "id", "nama", "diubah", "_batch_id", "_loaded_at", "_source_position", valid_from, valid_to, valid_to is null
        from opened
    """)


def test_version_begins_with_the_load_if_there_is_no_cursor(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, NAME, **SCD2))
    staged = '(select *, transaction_timestamp() as _begin from "landing"."uji__data__7_stage" v)'
    assert " ".join(clauses(staged)) in " ".join(clauses(open_versions(plan)))
    assert clauses(close_versions(plan)) == clauses(f"""
        update "raw"."uji__data" t set valid_to = n._begin, is_current = false
        from (
            select "s"."id", min(s._begin) as _begin
            from {staged} s
            join "raw"."uji__data" t
                on t.is_current and "s"."id" = "t"."id" and ("t"."id", "t"."nama") is distinct from ("s"."id", "s"."nama")
                and s._begin > t.valid_from
            group by "s"."id"
        ) n
        where t.is_current and "n"."id" = "t"."id"
    """)


def test_current_version_is_corrected_in_place_if_its_cursor_is_not_later(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, NAME, CHANGED, cursor="diubah", **SCD2))
    assert clauses(correct_versions(plan)) == clauses(f"""
        update "raw"."uji__data" t
        set "nama" = s."nama", "diubah" = s."diubah", "_batch_id" = s."_batch_id", "_loaded_at" = s."_loaded_at",
            "_source_position" = s."_source_position"
        from (
            select distinct on ("v"."id") v.*
            from {VERSIONS} v
            join "raw"."uji__data" t
                on t.is_current and "v"."id" = "t"."id"
                and (v._begin <= t.valid_from or not "t"."diubah" between '0002-01-01'::timestamp
                    and (transaction_timestamp() + '1 day'::interval)::timestamp)
            order by "v"."id", v._begin desc
        ) s
        where t.is_current and "s"."id" = "t"."id"
            and ("t"."id", "t"."nama", "t"."diubah") is distinct from ("s"."id", "s"."nama", "s"."diubah")
    """)


def test_current_version_ends_where_a_later_one_begins(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, NAME, CHANGED, cursor="diubah", **SCD2))
    assert clauses(close_versions(plan)) == clauses(f"""
        update "raw"."uji__data" t set valid_to = n._begin, is_current = false
        from (
            select "s"."id", min(s._begin) as _begin
            from {VERSIONS} s
            join "raw"."uji__data" t
                on t.is_current and "s"."id" = "t"."id"
                and ("t"."id", "t"."nama", "t"."diubah") is distinct from ("s"."id", "s"."nama", "s"."diubah")
                and s._begin > t.valid_from and s._begin > {BEGIN.replace('"v"', '"t"')}
            group by "s"."id"
        ) n
        where t.is_current and "n"."id" = "t"."id"
    """)
