"""The statements of the ledger."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any, cast

from psycopg import Connection

from pipelines.contracts.windows import Window
from pipelines.load import ledger
from pipelines.load.ledger import Batch
from tests.support.recorder import Recorder
from tests.support.statements import ID, NAME, contract_of, upload_contract_of

LOADED_FILES = (
    "select distinct on (source_name) source_fingerprint from ops.load_batch b where dataset = %s and state = 'loaded'"
    " and source_fingerprint is not null and window_start is null"
)
MERGED_FILES = (
    "select source_name, split_part(source_fingerprint, ':', 1) from ops.load_batch b where dataset = %s"
    " and state in ('loaded', 'unchanged') and source_fingerprint is not null and window_start is null"
)
SINCE_FULL_REFRESH = (
    " and not exists (select from ops.load_batch w where w.dataset = b.dataset and w.full_refresh and w.state ="
    " 'loaded' and (ops.applied_at(w.state, w.finished_at), w.batch_id) > (ops.applied_at(b.state, b.finished_at),"
    " b.batch_id))"
)
APPLIED = "ops.applied_at(state, finished_at)"


def as_connection(recorder: Recorder) -> Connection[Any]:
    return cast(Connection[Any], recorder)


def test_opening_a_batch_inserts_a_running_row(tmp_path: Path) -> None:
    recorder = Recorder([(7,)])
    window = Window(date(2026, 1, 1), date(2026, 1, 31))
    batch = ledger.open_batch(
        as_connection(recorder), contract_of(tmp_path, ID), "malam", window, full_refresh=False
    )
    assert (batch.batch_id, batch.dataset, batch.state) == (7, "uji/data", "running")
    assert recorder.ran == [
        (
            "insert into ops.load_batch (dataset, run_id, window_start, window_end, full_refresh)"
            " values (%s, %s, %s, %s, %s) returning batch_id",
            ["uji/data", "malam", window.start, window.end, False],
        )
    ]


def test_failure_is_recorded_only_if_the_load_is_still_running(tmp_path: Path) -> None:
    recorder = Recorder()
    batch = Batch(7, "uji/data", state="failed", error="x", seconds={"extract": 0.12345})
    ledger.close_batch(as_connection(recorder), batch, running=True)
    ((statement, values),) = recorder.ran
    assert statement.startswith("update ops.load_batch set state = %s, source_name = %s,")
    assert statement.endswith("where batch_id = %s and (state = 'running' or not %s)")
    assert values[0] == "failed" and values[-2:] == [7, True]
    assert '{"extract": 0.123}' in values and statement.count("%s") == len(values)


def test_sweep_closes_rows_of_dead_runs_and_drops_their_tables(tmp_path: Path) -> None:
    recorder = Recorder([(7,)], [("uji__data__7_landing",), ("uji__data__7_stage",)])
    assert ledger.sweep(as_connection(recorder), "uji/data") == 1
    closed, found, *dropped = [statement for statement, _ in recorder.ran]
    assert closed.startswith(
        "update ops.load_batch set state = 'died', finished_at = clock_timestamp(), error = 'run"
    )
    assert closed.endswith("where dataset = %s and state = 'running' returning batch_id")
    assert "relnamespace = 'landing'::regnamespace" in found
    assert dropped == [
        'drop table if exists "landing"."uji__data__7_landing"',
        'drop table if exists "landing"."uji__data__7_stage"',
    ]


def test_last_loaded_file_is_in_raw_of_files_that_replace_each_other(tmp_path: Path) -> None:
    recorder = Recorder([("satu:kontrak",)])
    contract = upload_contract_of(tmp_path, ID)
    assert ledger.fingerprints_in_raw(as_connection(recorder), contract) == {"satu:kontrak"}
    assert recorder.ran == [
        (
            "select source_fingerprint from ops.load_batch where dataset = %s and state in ('loaded', 'unchanged')"
            " order by ops.applied_at(state, finished_at) desc, batch_id desc limit 1",
            ["uji/data"],
        )
    ]


def test_last_content_of_each_name_is_in_raw_of_appended_files(tmp_path: Path) -> None:
    recorder = Recorder([("satu:kontrak",), ("dua:kontrak",)])
    contract = upload_contract_of(tmp_path, NAME, write_disposition="append")
    assert ledger.fingerprints_in_raw(as_connection(recorder), contract) == {"satu:kontrak", "dua:kontrak"}
    assert recorder.ran == [
        (
            f"{LOADED_FILES}{SINCE_FULL_REFRESH} order by source_name, {APPLIED} desc, batch_id desc",
            ["uji/data"],
        )
    ]


def test_merged_files_are_those_since_the_last_full_refresh(tmp_path: Path) -> None:
    recorder = Recorder([("jan.csv", "satu"), ("feb.csv", "dua")])
    contract = upload_contract_of(tmp_path, ID, write_disposition="merge")
    assert ledger.merged_files(as_connection(recorder), contract) == [("jan.csv", "satu"), ("feb.csv", "dua")]
    assert recorder.ran == [
        (
            f"{MERGED_FILES}{SINCE_FULL_REFRESH} order by {APPLIED}, batch_id",
            ["uji/data"],
        )
    ]


def test_fingerprint_depends_on_content_and_contract(tmp_path: Path) -> None:
    contract = upload_contract_of(tmp_path, ID)
    mark = hashlib.sha256(contract.path.read_bytes()).hexdigest()[:16]
    assert ledger.fingerprint(contract, "abc") == f"abc:{mark}"
    contract.path.write_text(contract.path.read_text() + "\n# lain\n")
    assert ledger.fingerprint(contract, "abc") != f"abc:{mark}"
