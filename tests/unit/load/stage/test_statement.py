"""The statements that make landing and stage."""

# ruff: noqa: S608  # parts of expected statements

from __future__ import annotations

from datetime import date
from pathlib import Path

from pipelines.contracts.windows import Window
from pipelines.load.stage.statement import (
    add_primary_key,
    adopt_landing,
    all_rules,
    cleaned_rows,
    comments,
    count_duplicates,
    create_landing,
    delete_other_windows,
    keep_one_row_per_key,
    other_readers,
    revoke_landing,
    stage_values,
)
from tests.support.contracts import column
from tests.support.statements import CHANGED, ID, NAME, clauses, contract_of, plan_of, written


def test_landing_has_text_columns_and_the_position_of_each_row(tmp_path: Path) -> None:
    assert clauses(create_landing(plan_of(contract_of(tmp_path, ID, NAME)))) == clauses("""
        create unlogged table "landing"."uji__data__7_landing" ("id" text, "nama" text, "_source_position" text)
            with (autovacuum_enabled = off)
    """)


def test_rights_of_others_on_landing_are_taken_away(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID))
    assert "aclexplode(c.relacl)" in written(other_readers(plan))
    assert [written(revoke_landing(plan, role)) for role in ("pembaca lain", None)] == [
        'revoke all on "landing"."uji__data__7_landing" from "pembaca lain"',
        'revoke all on "landing"."uji__data__7_landing" from public',
    ]


def test_landing_becomes_the_stage_if_every_column_is_exact(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, NAME), exact=frozenset({"id", "nama"}))
    assert clauses(create_landing(plan)) == clauses("""
        create table "landing"."uji__data__7_landing" (
            "id" integer, "nama" text, "_batch_id" bigint default 7, "_loaded_at" timestamptz default now(),
            "_source_position" text
        ) with (autovacuum_enabled = off)
    """)
    assert [written(statement) for statement in adopt_landing(plan)] == [
        'alter table "landing"."uji__data__7_landing" alter column _batch_id drop default,'
        " alter column _loaded_at drop default",
        'alter table "landing"."uji__data__7_landing" reset (autovacuum_enabled)',
        'alter table "landing"."uji__data__7_landing" rename to "uji__data__7_stage"',
    ]


def test_cleaned_texts_are_joined_to_each_row(tmp_path: Path) -> None:
    amount = column("n", "numeric(8,2)", parse=["angka_id", "bulatkan"], missing_values=["-", "n/a"])
    assert clauses(cleaned_rows(plan_of(contract_of(tmp_path, amount)))) == clauses("""
        "landing"."uji__data__7_landing" l
        cross join lateral (
            select "ops"."bulatkan"("ops"."angka_id"(
                case when btrim("l"."n") in ('-', 'n/a') then null else "l"."n" end
            ), 2) as "n" offset '0'
        ) b
    """)


def test_latest_row_by_cursor_is_staged_of_rows_with_the_same_key(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, CHANGED, write_disposition="merge", cursor="diubah"))
    numbered, deleted, inserted = keep_one_row_per_key(plan)
    cleaned = 'cross join lateral (select "l"."id" as "id", "l"."diubah" as "diubah") b'
    twice = 'select "id" from "landing"."uji__data__7_stage" group by "id" having count(*) > 1'
    assert clauses(numbered) == clauses(f"""
        create temporary table "pg_temp"."uji__data__7_duplicates" as
        select rid, n = 1 as kept
        from (
            select l.ctid as rid, row_number() over (
                partition by "b"."id"::integer order by "b"."diubah"::timestamp desc nulls last, l.ctid desc
            ) as n
            from (
                select ctid, * from "landing"."uji__data__7_landing"
                where not exists (
                    select from "pg_temp"."rejected_rows" r where r.rid = "landing"."uji__data__7_landing".ctid
                ) offset '0'
            ) l {cleaned}
            where ("b"."id"::integer) in ({twice})
        ) numbered
    """)
    assert clauses(deleted) == clauses(
        f'delete from "landing"."uji__data__7_stage" where ("id") in ({twice})'
    )
    assert clauses(inserted)[-3:] == clauses("""
        where l.ctid in (select rid from "pg_temp"."uji__data__7_duplicates" where kept)
    """)
    assert (
        written(count_duplicates(plan))
        == 'select count(*) from "pg_temp"."uji__data__7_duplicates" where not kept'
    )


def test_first_row_is_staged_of_rows_with_the_same_key_and_no_cursor(tmp_path: Path) -> None:
    numbered, *_ = keep_one_row_per_key(plan_of(contract_of(tmp_path, ID)))
    assert 'row_number() over (partition by "b"."id"::integer order by l.ctid) as n' in written(numbered)


def test_name_of_the_primary_key_contains_the_batch(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID))
    assert written(add_primary_key(plan, plan.stage)) == (
        'alter table "landing"."uji__data__7_stage" add constraint "uji__data__7_pkey" primary key ("id")'
    )


def test_rows_of_other_windows_are_deleted_from_landing_and_refused_in_the_stage(tmp_path: Path) -> None:
    partition = {"column": "hari", "every": "daily", "start": "2026-01-01"}
    contract = contract_of(tmp_path, column("hari", "date"), partition=partition)
    plan = plan_of(contract, window=Window(date(2026, 11, 1), date(2026, 11, 2)))
    within = """
        coalesce(case when pg_input_is_valid("b"."hari", 'date')
            then "b"."hari"::date >= '2026-11-01'::date and "b"."hari"::date < ('2026-11-02'::date::date + 1)
            else true end, true)
    """
    assert clauses(delete_other_windows(plan)) == clauses(f"""
        delete from "landing"."uji__data__7_landing" where ctid in (
            select l.ctid from "landing"."uji__data__7_landing" l
            cross join lateral (select "l"."hari" as "hari") b where not {within}
        )
    """)
    rule = all_rules(plan)[-1]
    assert (rule.name, rule.message) == ("jendela", "hari: di luar jendela 2026-11-01 s.d. 2026-11-02")
    assert clauses(rule.predicate) == clauses(within)
    assert delete_other_windows(plan_of(contract)) is None


def test_only_rules_of_the_key_apply_if_only_keys_are_read(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, ID, CHANGED, write_disposition="merge", cursor="diubah")
    plan = plan_of(contract, only_keys=True)
    assert {rule.column.name for rule in all_rules(plan)} == {"id"}
    cursor = 'case when pg_input_is_valid("b"."diubah", \'timestamp\') then "b"."diubah"::timestamp end'
    assert f'{cursor} as "diubah"' in written(stage_values(plan))


def test_names_and_descriptions_of_the_contract_become_comments(tmp_path: Path) -> None:
    assert [written(c) for c in comments(plan_of(contract_of(tmp_path, ID)))] == [
        'comment on table "landing"."uji__data__7_stage" is \'Data data (Dinas uji)\'',
        'comment on column "landing"."uji__data__7_stage"."id" is \'Kolom id.\'',
    ]
