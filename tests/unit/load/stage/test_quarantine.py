"""The statements that put refused rows into quarantine, and resolve those that were fixed."""

# ruff: noqa: S608  # parts of expected statements

from __future__ import annotations

from datetime import date
from pathlib import Path

from psycopg import sql

from pipelines.contracts.windows import Window
from pipelines.load.stage.entry_periods import moment_of_entry
from pipelines.load.stage.masking import distinguishing_text, rows_with_hidden, shown_cell
from pipelines.load.stage.quarantine import (
    add_entries,
    analyze_refused_rows,
    index_refused_rows,
    move_entries,
    note_refused_rows,
    quarantine,
    resolve,
    resolve_gone,
)
from pipelines.load.stage.statement import cleaned_rows
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

REQUIRED = column("nama", required=True)
DAY = column("hari", "date")
DAILY = {"column": "hari", "every": "daily", "start": "2026-01-01"}
TWO_DAYS = Window(date(2026, 3, 1), date(2026, 3, 2))
MARK_OF_WAJIB = "d875956a"
"""The mark of rule `wajib` of column nama."""


def test_refused_rows_are_listed_once_with_their_open_entry(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, REQUIRED))
    noted = note_refused_rows(plan, deduplicated=False)
    cell = written(
        distinguishing_text(plan.contract, plan.contract.column("nama"), sql.Identifier("l", "nama"))
    )
    assert clauses(noted) == clauses(f"""
        create temporary table "pg_temp"."refused_rows" on commit drop as
        select single.*, q.entry_id,
            (q.source_position, q.row_key) is distinct from (single.position, single.row_key) or false as moved
        from (
            select distinct on (row_hash) rid, is_duplicate, coalesce(position, 'kunci ' || row_key) as position,
                row_key, row_hash, hidden
            from (
                select r.rid, r.is_duplicate, l._source_position as position, null::text as row_key,
                    array["h"."nama"] as hidden,
                    md5(array[{cell}, array_remove(
                        array[case when not "b"."nama" is not null then '{MARK_OF_WAJIB}' end]::text[], null)::text
                    ]::text) collate "C" as row_hash
                from {written(rows_with_hidden(plan))}
                join (select rid, false as is_duplicate from "pg_temp"."rejected_rows") r on r.rid = l.ctid
            ) hashed
            order by row_hash, rid
        ) single
        left join quarantine.row q on q.dataset = 'uji/data' and q.state = 'open' and q.row_hash = single.row_hash
    """)


def test_rows_with_a_repeated_key_are_listed_as_refused(tmp_path: Path) -> None:
    noted = note_refused_rows(plan_of(contract_of(tmp_path, ID)), deduplicated=True)
    text = " ".join(clauses(noted))
    assert (
        'join (select rid, false as is_duplicate from "pg_temp"."rejected_rows" union all'
        ' select rid, true from "pg_temp"."uji__data__7_duplicates" where not kept) r on r.rid = l.ctid'
    ) in text
    assert "case when r.is_duplicate then 'kunci_ganda' end]::text[], null)::text]::text) collate" in text


def test_rejected_load_keeps_a_sample_of_its_refused_rows(tmp_path: Path) -> None:
    noted, *_ = quarantine(plan_of(contract_of(tmp_path, REQUIRED)), deduplicated=False, rejected=True)
    assert 'from "pg_temp"."rejected_rows" limit 10000) r on r.rid = l.ctid' in " ".join(clauses(noted))


def test_entry_of_a_row_that_moved_gets_the_new_position(tmp_path: Path) -> None:
    assert clauses(index_refused_rows()) == clauses(
        'create index on "pg_temp"."refused_rows" (entry_id) where entry_id is not null'
    )
    assert clauses(analyze_refused_rows()) == ['analyze "pg_temp"."refused_rows"']
    assert clauses(move_entries(plan_of(contract_of(tmp_path, REQUIRED)))) == clauses("""
        update quarantine.row q
        set last_batch_id = 7, source_position = r.position, row_key = r.row_key, updated_at = clock_timestamp()
        from "pg_temp"."refused_rows" r where q.entry_id = r.entry_id and r.moved
    """)


def test_entry_of_an_upload_or_a_window_names_each_load_that_reads_its_row(tmp_path: Path) -> None:
    plan = plan_of(upload_contract_of(tmp_path, ID, write_disposition="append"), file="januari.csv")
    assert "or true as moved" in written(note_refused_rows(plan, deduplicated=False))
    plan = plan_of(contract_of(tmp_path, REQUIRED))
    assert "or false as moved" in written(note_refused_rows(plan, deduplicated=False))
    plan = plan_of(contract_of(tmp_path, DAY, partition=DAILY), window=TWO_DAYS)
    assert "or true as moved" in written(note_refused_rows(plan, deduplicated=False))


def test_row_without_an_entry_gets_one_with_all_reasons(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, REQUIRED))
    added = add_entries(plan, deduplicated=False)
    cell = written(shown_cell(plan.contract.column("nama")))
    assert clauses(added) == clauses(
        f"""
        insert into quarantine.row (
            dataset, first_batch_id, last_batch_id, source_position, row_key, row, reasons, row_hash
        )
        select 'uji/data', 7, 7, r.position, r.row_key, jsonb_object(array['nama'], array[{cell}]::text[]),
            to_jsonb(array_remove(array[
                case when not "b"."nama" is not null then jsonb_object(
                    array['kolom', 'aturan', 'nilai', 'pesan', 'perbaikan'],
                    array['nama', 'wajib', {cell}, 'nama: wajib diisi', 'isi kolom ini']::text[]
                ) end
            ]::jsonb[], null)),
            r.row_hash
        from {written(cleaned_rows(plan))}
        join "pg_temp"."refused_rows" r on r.rid = l.ctid
        cross join lateral (select r.hidden[1] as "nama") h
        where r.entry_id is null
    """
    )


def test_full_read_resolves_entries_that_were_not_refused_again(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, REQUIRED))
    resolved = """
        update quarantine.row q set state = 'resolved', updated_at = clock_timestamp()
        where q.dataset = 'uji/data' and q.state = 'open' and q.last_batch_id < 7
    """
    assert clauses(resolve(plan, None, refused=False)) == clauses(resolved)
    assert clauses(resolve(plan, None, refused=True)) == clauses(f"""
        {resolved} and not exists (select from "pg_temp"."refused_rows" r where r.entry_id = q.entry_id)
    """)


def test_incremental_read_resolves_entries_whose_key_was_staged(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, ID, CHANGED, write_disposition="merge", cursor="diubah")
    assert clauses(resolve(plan_of(contract, since="2026-01-01"), None, refused=False)) == clauses("""
        update quarantine.row q set state = 'resolved', updated_at = clock_timestamp()
        where q.dataset = 'uji/data' and q.state = 'open' and q.last_batch_id < 7
            and (q.row_key in (
                select ops.kunci_ringkas(concat_ws('|', "s"."id"::text::text)) from "landing"."uji__data__7_stage" s
            ))
    """)


def test_window_resolves_the_entries_of_its_days_and_of_its_loads(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, DAY, partition=DAILY)
    moment = written(moment_of_entry(contract))
    assert clauses(resolve(plan_of(contract, window=TWO_DAYS), None, refused=False)) == clauses(f"""
        update quarantine.row q set state = 'resolved', updated_at = clock_timestamp()
        where q.dataset = 'uji/data' and q.state = 'open' and q.last_batch_id < 7
            and (({moment} >= '2026-03-01'::date and {moment} < ('2026-03-02'::date::date + 1))
                or q.last_batch_id in (
                    select batch_id from ops.load_batch where dataset = 'uji/data'
                    and window_start >= '2026-03-01'::date and window_end <= '2026-03-02'::date
                ))
    """)


def test_file_resolves_only_its_own_entries(tmp_path: Path) -> None:
    plan = plan_of(upload_contract_of(tmp_path, NAME, write_disposition="append"), file="januari.csv")
    assert clauses(resolve(plan, "januari.csv", refused=False)) == clauses("""
        update quarantine.row q set state = 'resolved', updated_at = clock_timestamp()
        where q.dataset = 'uji/data' and q.state = 'open' and q.last_batch_id < 7
            and q.last_batch_id in (
                select batch_id from ops.load_batch where dataset = 'uji/data' and source_name = 'januari.csv'
            )
    """)


def test_entries_of_deleted_rows_are_resolved(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, write_disposition="merge"))
    assert clauses(resolve_gone(plan, plan.stage)) == clauses("""
        update quarantine.row q set state = 'resolved', updated_at = clock_timestamp()
        from "raw"."uji__data" t
        where q.dataset = 'uji/data' and q.state = 'open'
            and q.row_key = ops.kunci_ringkas(concat_ws('|', "t"."id"::text::text))
            and not exists (select from "landing"."uji__data__7_stage" k where "k"."id" = "t"."id")
    """)
