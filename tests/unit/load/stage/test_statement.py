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
    count_repairs,
    create_landing,
    create_stage,
    delete_other_windows,
    keep_one_row_per_key,
    valid,
)
from tests.support.contracts import column
from tests.support.statements import CHANGED, ID, NAME, clauses, contract_of, plan_of, written

LANDED = """
    "landing"."uji__data__7_landing" l cross join lateral (select "l"."id" as "id", "l"."nama" as "nama") b
"""


def test_landing_has_text_columns_and_the_position_of_each_row(tmp_path: Path) -> None:
    assert clauses(create_landing(plan_of(contract_of(tmp_path, ID, NAME)))) == clauses("""
        create unlogged table "landing"."uji__data__7_landing" ("id" text, "nama" text, "_source_position" text)
            with (autovacuum_enabled = off)
    """)


def test_landing_of_personal_columns_is_a_temporary_table(tmp_path: Path) -> None:
    person = column("nik", classification="pribadi", pseudonymise="kesehatan")
    assert written(create_landing(plan_of(contract_of(tmp_path, person)))) == (
        'create temporary table "pg_temp"."uji__data__7_landing" ("nik" text, "_source_position" text)'
        " with (autovacuum_enabled = off)"
    )


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
            ), 2) as "n" offset 0
        ) b
    """)


def test_stage_has_the_typed_values_of_valid_rows(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, NAME))
    assert clauses(create_stage(plan)) == clauses(f"""
        create table "landing"."uji__data__7_stage" as
        select "b"."id"::integer as "id", "b"."nama" as "nama",
            7::bigint as _batch_id, statement_timestamp() as _loaded_at, l."_source_position" as "_source_position"
        from {LANDED}
        where case when {written(valid(plan))} then true else ops.tolak(l.ctid) end
    """)


def test_exact_column_is_staged_unchanged_and_a_personal_one_as_its_pseudonym(tmp_path: Path) -> None:
    person = column("nik", classification="pribadi", pseudonymise="kesehatan")
    plan = plan_of(contract_of(tmp_path, ID, person), exact=frozenset({"id"}))
    assert clauses(create_stage(plan))[1].startswith(
        'select "l"."id" as "id", ops.pseudonim("b"."nik", \'kesehatan\') as "nik", 7::bigint'
    )


def test_stage_has_deleted_at_if_deletions_are_marked(tmp_path: Path) -> None:
    merged = {"write_disposition": "merge", "reconcile": "PT20H"}
    assert "null::timestamptz as deleted_at" in written(
        create_stage(plan_of(contract_of(tmp_path, ID, **merged)))
    )


def test_latest_row_by_cursor_is_staged_of_rows_with_the_same_key(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, CHANGED, write_disposition="merge", cursor="diubah"))
    numbered, deleted, inserted = keep_one_row_per_key(plan)
    cleaned = 'cross join lateral (select "l"."id" as "id", "l"."diubah" as "diubah") b'
    twice = 'select "id" from "landing"."uji__data__7_stage" group by "id" having count(*) > 1'
    assert clauses(numbered) == clauses(f"""
        create unlogged table "landing"."uji__data__7_duplicates" as
        select rid, n = 1 as kept
        from (
            select l.ctid as rid, row_number() over (
                partition by "b"."id"::integer order by "b"."diubah"::timestamp desc nulls last, l.ctid desc
            ) as n
            from (
                select ctid, * from "landing"."uji__data__7_landing"
                where not exists (
                    select from "pg_temp"."rejected_rows" r where r.rid = "landing"."uji__data__7_landing".ctid
                ) offset 0
            ) l {cleaned}
            where ("b"."id"::integer) in ({twice})
        ) numbered
    """)
    assert clauses(deleted) == clauses(
        f'delete from "landing"."uji__data__7_stage" where ("id") in ({twice})'
    )
    assert clauses(inserted)[-3:] == clauses("""
        where l.ctid in (select rid from "landing"."uji__data__7_duplicates" where kept)
    """)
    assert (
        written(count_duplicates(plan))
        == 'select count(*) from "landing"."uji__data__7_duplicates" where not kept'
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
    assert f'{cursor} as "diubah"' in written(create_stage(plan))


def test_cells_are_counted_by_the_repair_that_changed_them(tmp_path: Path) -> None:
    amount = column("n", "numeric(8,2)", parse=["angka_id", "bulatkan"])
    assert clauses(count_repairs(plan_of(contract_of(tmp_path, ID, amount)))) == clauses("""
        select unnest('{n,n}'::text[]), unnest('{angka_id,bulatkan}'::text[]), unnest(array[
            count(*) filter (where "r0"."n" is distinct from "r1"."n"),
            count(*) filter (where "r1"."n" is distinct from "r2"."n")
        ])
        from "landing"."uji__data__7_landing" r0
        cross join lateral (select "ops"."angka_id"("r0"."n") as "n" offset 0) "r1"
        cross join lateral (select "ops"."bulatkan"("r1"."n", 2) as "n" offset 0) "r2"
    """)


def test_names_and_descriptions_of_the_contract_become_comments(tmp_path: Path) -> None:
    assert [written(c) for c in comments(plan_of(contract_of(tmp_path, ID)))] == [
        'comment on table "landing"."uji__data__7_stage" is \'Data data (Dinas uji)\'',
        'comment on column "landing"."uji__data__7_stage"."id" is \'Kolom id.\'',
    ]
