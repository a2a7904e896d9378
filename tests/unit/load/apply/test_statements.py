"""The statements that replace, append and upsert rows."""

# ruff: noqa: S608  # parts of expected statements

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from pipelines.contracts.windows import Window
from pipelines.load.apply import statements
from pipelines.load.plan import LoadPlan
from tests.support.contracts import column
from tests.support.statements import (
    CHANGED,
    ID,
    NAME,
    clauses,
    contract_of,
    plan_of,
    upload_contract_of,
    written,
)

IN_WINDOW = """"r"."hari" >= '2026-11-01'::date and "r"."hari" < ('2026-11-02'::date::date + 1)"""
ALL_COLUMNS = '"id", "nama", "_batch_id", "_loaded_at", "_source_position"'


def plan_with_window(folder: Path) -> LoadPlan:
    partition = {"column": "hari", "every": "daily", "start": "2026-01-01"}
    contract = contract_of(folder, ID, column("hari", "date"), partition=partition)
    return plan_of(contract, window=Window(date(2026, 11, 1), date(2026, 11, 2)))


def test_changes_are_counted_by_key(tmp_path: Path) -> None:
    assert clauses(statements.count_changes(plan_of(contract_of(tmp_path, ID, NAME)))) == clauses("""
        select
            count(*) filter (where "s"."id" is not null
                and ("r"."id" is null or ("r"."id", "r"."nama") is distinct from ("s"."id", "s"."nama"))),
            count(*) filter (where "r"."id" is null),
            count(*) filter (where "s"."id" is null)
        from "landing"."uji__data__7_stage" s
        full join (select * from "raw"."uji__data" r where true) r on "s"."id" = "r"."id"
    """)


def test_changes_without_a_key_are_counted_by_whole_rows(tmp_path: Path) -> None:
    assert clauses(statements.count_changes(plan_of(contract_of(tmp_path, NAME)))) == clauses("""
        select added, added,
            (select count(*) from (
                select "nama" from "raw"."uji__data" r where true
                except all select "nama" from "landing"."uji__data__7_stage"
            ) m)
        from (select count(*) from (
                select "nama" from "landing"."uji__data__7_stage"
                except all select "nama" from "raw"."uji__data" r where true
            ) a) a (added)
    """)


def test_window_replaces_its_days(tmp_path: Path) -> None:
    plan = plan_with_window(tmp_path)
    assert clauses(statements.replaces_all(plan)) == clauses(
        f'select not exists (select from "raw"."uji__data" r where ({IN_WINDOW}) is not true)'
    )
    assert clauses(statements.delete_scope(plan)) == clauses(
        f'delete from "raw"."uji__data" r where {IN_WINDOW}'
    )
    assert clauses(statements.delete_moved(plan)) == clauses(f"""
        delete from "raw"."uji__data" r using "landing"."uji__data__7_stage" s
        where "s"."id" = "r"."id" and ({IN_WINDOW}) is not true
    """)


def test_rows_that_a_newer_upload_has_elsewhere_are_left_out(tmp_path: Path) -> None:
    plan = replace(plan_with_window(tmp_path), newer=[date(2026, 12, 1)])
    assert clauses(statements.drop_overtaken(plan)) == clauses(f"""
        delete from "landing"."uji__data__7_stage" s using "raw"."uji__data" r
        where "s"."id" = "r"."id" and ({IN_WINDOW}) is not true
            and ("r"."hari")::date = any('{{2026-12-01}}'::date[]::date[])
    """)


def test_file_replaces_its_earlier_rows(tmp_path: Path) -> None:
    plan = plan_of(upload_contract_of(tmp_path, ID, write_disposition="append"), file="januari.csv")
    assert clauses(statements.delete_scope(plan)) == clauses("""
        delete from "raw"."uji__data" r where "r"."_batch_id" in (
            select batch_id from ops.load_batch where dataset = 'uji/data' and source_name = 'januari.csv'
        )
    """)


def test_stage_is_inserted_or_moved(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, NAME))
    assert clauses(statements.insert_stage(plan)) == clauses(
        f'insert into "raw"."uji__data" ({ALL_COLUMNS}) select {ALL_COLUMNS} from "landing"."uji__data__7_stage"'
    )
    assert written(statements.move_stage(plan)) == 'alter table "landing"."uji__data__7_stage" set schema raw'
    assert written(statements.is_empty(plan)) == 'select not exists (select from "raw"."uji__data")'


def test_append_adds_new_keys_and_counts_changed_rows(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, NAME, write_disposition="append"))
    assert clauses(statements.append_stage(plan)) == clauses(f"""
        insert into "raw"."uji__data" ({ALL_COLUMNS})
        select {ALL_COLUMNS} from "landing"."uji__data__7_stage" on conflict do nothing
    """)
    assert clauses(statements.count_contradictions(plan)) == clauses("""
        select count(*) from "landing"."uji__data__7_stage" s join "raw"."uji__data" r on "s"."id" = "r"."id"
        where ("r"."id", "r"."nama") is distinct from ("s"."id", "s"."nama")
    """)


def test_append_without_a_key_adds_the_surplus_rows_of_the_source(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, NAME, CHANGED, write_disposition="append", cursor="diubah")
    assert clauses(statements.append_stage(plan_of(contract, since="2026-11-01"))) == clauses("""
        insert into "raw"."uji__data" ("nama", "diubah", _batch_id, _loaded_at)
        select "nama", "diubah", 7, statement_timestamp()
        from (
            select "nama", "diubah" from "landing"."uji__data__7_stage" s
            where "s"."diubah" >= '2026-11-01'::timestamp
            except all
            select "nama", "diubah" from "raw"."uji__data" r where "r"."diubah" >= '2026-11-01'::timestamp
        ) added
    """)


UPSERT = """
    insert into "raw"."uji__data" as t ("id", "diubah", "_batch_id", "_loaded_at", "_source_position")
    select "id", "diubah", "_batch_id", "_loaded_at", "_source_position" from "landing"."uji__data__7_stage"
    on conflict ("id") do update
    set "diubah" = excluded."diubah", "_batch_id" = excluded."_batch_id", "_loaded_at" = excluded."_loaded_at",
        "_source_position" = excluded."_source_position"
    where ("t"."id", "t"."diubah") is distinct from ("excluded"."id", "excluded"."diubah")
"""


def test_upsert_updates_only_rows_with_other_content(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, ID, CHANGED, write_disposition="merge", cursor="diubah")
    assert clauses(statements.upsert_stage(plan_of(contract))) == clauses(UPSERT)


def test_upsert_of_a_file_ignores_older_versions(tmp_path: Path) -> None:
    contract = upload_contract_of(tmp_path, ID, CHANGED, write_disposition="merge", cursor="diubah")
    assert clauses(statements.upsert_stage(plan_of(contract))) == clauses(f"""
        {UPSERT} and (
            excluded."diubah" >= "t"."diubah" or not "t"."diubah" between '0002-01-01'::timestamp
                and (transaction_timestamp() + '1 day'::interval)::timestamp
        )
    """)


def test_upsert_restores_a_row_that_was_marked_as_deleted(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, ID, write_disposition="merge", reconcile="PT20H")
    assert written(statements.upsert_stage(plan_of(contract))).endswith(
        '("t"."id", "t"."deleted_at") is distinct from ("excluded"."id", "excluded"."deleted_at")'
    )
