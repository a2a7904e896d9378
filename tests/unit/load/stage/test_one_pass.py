"""The statement that makes the stage in one pass, and what reads and removes its marks."""

# ruff: noqa: S608  # parts of expected statements

from __future__ import annotations

from pathlib import Path

from pipelines.load.stage.one_pass import count_marks, create_stage, drop_marks, note_refused, repairs
from pipelines.load.stage.statement import valid
from tests.support.contracts import column
from tests.support.statements import ID, NAME, clauses, contract_of, plan_of, written

STAGE = '"landing"."uji__data__7_stage"'
LANDING = '"landing"."uji__data__7_landing"'


def test_stage_has_typed_values_of_valid_rows_and_an_empty_row_for_each_other(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, NAME))
    assert clauses(create_stage(plan)) == clauses(f"""
        create table {STAGE} as
        select case when "b"."_kept" then "b"."id"::integer else null::integer end as "id",
            case when "b"."_kept" then "b"."nama" else null::text end as "nama",
            7::bigint as "_batch_id", statement_timestamp() as "_loaded_at",
            case when "b"."_kept" then "b"."_source_position" else "b"."_place"::text end as "_source_position",
            case when "b"."_kept" then "b"."_marks_0" else -1 - "b"."_marks_0" end as "_marks_0"
        from (
            select "b"."id", "b"."nama", "b"."_source_position", "b"."_marks_0" as "_marks_0", "b"."_place",
                {written(valid(plan))} as _kept
            from (
                select "l"."id", "l"."nama", "l"."_source_position", l.ctid as _place, 0 as "_marks_0"
                from {LANDING} l
            ) b offset '0'
        ) b
    """)


def test_each_repair_of_a_column_is_a_level_that_marks_the_rows_it_changed(tmp_path: Path) -> None:
    amount = column("n", "numeric(8,2)", parse=["angka_id", "bulatkan"])
    text = written(create_stage(plan_of(contract_of(tmp_path, amount, column("nama", parse=["teks"])))))
    levels = clauses(text[text.index("_kept from") :])
    assert levels[1:] == clauses(f"""
        from (
            select "ops"."bulatkan"("b"."n", 2) as "n", "b"."nama", "b"."_source_position",
                "b"."_marks_0" + case when "b"."_before_0" is distinct from "b"."n" then 1 else 0 end
                    + case when "b"."_before_2" is distinct from "b"."nama" then 4 else 0 end as "_marks_0",
                "b"."_place", "b"."n" as "_before_1"
            from (
                select "ops"."angka_id"("b"."n") as "n", "ops"."teks"("b"."nama") as "nama", "b"."_source_position",
                    "b"."_marks_0" as "_marks_0", "b"."_place", "b"."n" as "_before_0", "b"."nama" as "_before_2"
                from (
                    select "l"."n", "l"."nama", "l"."_source_position", l.ctid as _place, 0 as "_marks_0"
                    from {LANDING} l
                ) b offset '0'
            ) b offset '0'
        ) b offset '0') b
    """)
    assert '"b"."_marks_0" + case when "b"."_before_1" is distinct from "b"."n" then 2 else 0 end as' in text


def test_exact_column_is_staged_unchanged_and_a_personal_one_as_its_pseudonym(tmp_path: Path) -> None:
    person = column("nik", classification="pribadi", pseudonymise="kesehatan")
    plan = plan_of(contract_of(tmp_path, ID, person), exact=frozenset({"id"}))
    assert written(create_stage(plan)).startswith(
        f'create table {STAGE} as select case when "b"."_kept" then "b"."id" else null::integer end as "id",'
        ' case when "b"."_kept" then ops.pseudonim("b"."nik", (select ops.bantalan_dalam(\'kesehatan\')),'
        " (select ops.bantalan_luar('kesehatan'))) else null::text end as \"nik\","
    )


def test_stage_has_deleted_at_if_deletions_are_marked(tmp_path: Path) -> None:
    merged = {"write_disposition": "merge", "reconcile": "PT20H"}
    assert 'null::timestamptz as "deleted_at"' in written(
        create_stage(plan_of(contract_of(tmp_path, ID, **merged)))
    )


def test_marks_of_more_repairs_than_an_integer_has_bits_fill_further_columns(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, *(column(f"k{n}", parse=["teks"]) for n in range(31))))
    assert [(r.number, r.mark, r.bit) for r in repairs(plan)][-2:] == [(29, 0, 1 << 29), (30, 1, 1)]
    assert written(drop_marks(plan)) == f'alter table {STAGE} drop column "_marks_0", drop column "_marks_1"'
    assert written(count_marks(plan, 500)).endswith(
        f'count(*) filter (where ("_marks_1") & 1 <> 0) from {STAGE}'
    )


def test_refused_rows_are_counted_by_their_marks_and_moved_out_of_the_stage(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, column("nama", parse=["teks"])))
    assert clauses(count_marks(plan, 500)) == clauses(f"""
        select count(*) filter (where "_marks_0" < 0),
            case when count(*) filter (where "_marks_0" < 0) <= 10000
                then array_agg(ctid) filter (where "_marks_0" < 0) end,
            count(*) filter (where (case when "_marks_0" < 0 then -1 - "_marks_0" else "_marks_0" end) & 1 <> 0)
        from {STAGE}
    """)
    assert "null::tid[]" in written(count_marks(plan, 1_000_001))
    for places, condition in ((None, "_marks_0 < 0"), (["(0,1)"], "ctid = any('{\"(0,1)\"}'::tid[])")):
        assert clauses(note_refused(plan, places)) == clauses(f"""
            with refused as (delete from {STAGE} where {condition} returning "_source_position")
            insert into "pg_temp"."rejected_rows" select "_source_position"::tid from refused
        """)
