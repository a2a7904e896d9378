"""What is deleted of the ledger, the quarantine, raw and the upload zone; and what stays, however old it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import LoadError
from pipelines.extract.upload.files import put_upload
from pipelines.extract.upload.inbox import find_uploads
from pipelines.load import arrivals
from pipelines.maintenance import lines
from pipelines.maintenance import prune as prune_all
from pipelines.retention.policy import Policy
from pipelines.retention.raw import prune_dataset
from pipelines.retention.tables import WAREHOUSE_RULES, Pruned, prune_tables
from pipelines.retention.uploads import LEFT_S, prune_leftovers, prune_uploads
from pipelines.settings import PROJECT_ROOT, Settings
from tests.support.contracts import column, database, document, make, upload
from tests.support.loads import Loads

TODAY = date(2026, 11, 26)
THEN = date(2001, 1, 2)
"""The day of loads whose rows were not too old."""


@pytest.fixture
def loads(warehouse_url: str, tmp_path: Path) -> Iterator[Loads]:
    made = Loads(warehouse_url, tmp_path, prepared=True)
    yield made
    made.connection.close()


def pruned(loads: Loads, *, dry_run: bool) -> dict[str, int]:
    done = prune_tables(loads.connection, WAREHOUSE_RULES, Policy(), dry_run=dry_run)
    return {result.place: result.count for result in done if result.count}


def test_old_rows_go_and_the_newest_of_each_thing_stays(loads: Loads) -> None:
    loads.run(
        """
        insert into ops.check_result (asset, check_name, severity, passed, at)
        select a, 'c', 'error', true, now() - make_interval(days => d)
        from (values ('raw/a/b'), ('raw/c/d')) v (a), (values (500), (450), (10)) w (d)
        where a = 'raw/a/b' or d > 400;
        insert into ops.model_run (model, state, at) values ('m', 'ok', now() - interval '900 days'),
        ('m', 'unchanged', now() - interval '10 days'),
        ('m', 'ok', now() - interval '800 days');
        insert into ops.load_batch (dataset, state, finished_at, source_fingerprint, rows_in_raw) values
        ('a/b', 'loaded', now() - interval '900 days', null, 5),
        ('a/b', 'unchanged', now() - interval '890 days', 'sha:1', null),
        ('a/b', 'unchanged', now() - interval '880 days', null, null),
        ('a/b', 'failed', now() - interval '870 days', null, null),
        ('a/b', 'unchanged', now() - interval '860 days', null, null),
        ('c/d', 'failed', now() - interval '860 days', null, null);
        insert into quarantine.row (dataset, first_batch_id, last_batch_id, row, reasons, row_hash, state, updated_at)
        values ('a/b', 1, 1, '{}', '[]', 'x', 'resolved', now() - interval '200 days'),
        ('a/b', 1, 4, '{}', '[]', 'y', 'open', now() - interval '900 days');
        insert into ops.upload_by (dataset, name, sha256, uploader, at)
        values ('a/b', 'x', 's', 'rina', now() - interval '400 days'),
        ('a/b', 'x', 's', 'rina', now() - interval '390 days'),
        ('c/d', 'x', 's', 'budi', now() - interval '400 days')
        """
    )
    # Batch 4 failed, and an open row of the quarantine names it.
    expected = {
        "ops.check_result": 3,
        "ops.model_run": 1,
        "ops.load_batch": 1,
        "quarantine.row": 1,
        "ops.upload_by": 1,
    }
    assert pruned(loads, dry_run=True) == expected
    assert pruned(loads, dry_run=False) == expected
    assert pruned(loads, dry_run=False) == {}
    assert loads.run("select dataset, state, batch_id from ops.load_batch order by batch_id") == [
        ("a/b", "loaded", 1), ("a/b", "unchanged", 2), ("a/b", "failed", 4), ("a/b", "unchanged", 5),
        ("c/d", "failed", 6),
    ]  # fmt: skip
    assert loads.run("select asset, count(*) from ops.check_result group by 1 order by 1") == [
        ("raw/a/b", 1), ("raw/c/d", 1),
    ]  # fmt: skip


def test_results_stay_while_they_count_and_go_when_their_check_is_gone(loads: Loads) -> None:
    """Days before today. `r`: the window 2 failed, windows 3 and 4 passed. `s`: the same, and window 2 passed later."""
    loads.run(
        """
        insert into ops.check_result (asset, check_name, severity, passed, at, window_start, window_end)
        select 'raw/a/b', c, 'warn', p, now() - make_interval(days => d), date '2020-01-01' + w, date '2020-01-01' + w
        from (values ('r', false, 900, 2), ('r', true, 899, 3), ('r', true, 898, 4),
            ('s', false, 900, 2), ('s', true, 899, 2), ('s', true, 898, 4),
            ('gone', false, 900, 2), ('left', false, 900, 2), ('back', false, 900, 2)) v (c, p, d, w);
        insert into ops.declared_check (asset, check_name, gone_at) values
        ('raw/a/b', 'gone', now() - interval '800 days'), ('raw/a/b', 'left', now() - interval '10 days'),
        ('raw/a/b', 'back', null);
        """
    )
    kept = (
        "select check_name, passed, window_start - date '2020-01-01' from ops.check_result order by 1, 2, 3"
    )
    assert pruned(loads, dry_run=False) == {"ops.check_result": 4}
    assert loads.run(kept) == [
        ("back", False, 2), ("left", False, 2), ("r", False, 2), ("r", True, 4), ("s", True, 4),
    ]  # fmt: skip


def test_a_failure_goes_before_the_result_that_ended_it(
    loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever place the rows have in the table: without the later result the failure would count again."""
    monkeypatch.setattr("pipelines.retention.tables.BATCH_ROWS", 1)
    loads.run(
        """
        insert into ops.check_result (asset, check_name, severity, passed, at, window_start, window_end)
        select 'raw/a/b', 'r', 'warn', p, now() - make_interval(days => d), date '2020-01-01' + w, date '2020-01-01' + w
        from (values (true, 899, 2), (false, 900, 2), (true, 898, 4)) v (p, d, w)
        """
    )
    assert pruned(loads, dry_run=False) == {"ops.check_result": 2}
    assert loads.run("select passed from ops.check_in_force") == [(True,)]


def events(loads: Loads, *, period: bool = True, **custom: Any) -> Contract:
    """A contract that keeps its rows for a year."""
    columns = [column("id", "integer", primaryKey=True), column("tanggal", "date", required=True)]
    made = document("uji/data", columns, database("UJI_URL"), extract={"table": "data"}, **custom)
    made["slaProperties"] = [{"property": "retention", "value": 1, "unit": "y"}]
    if "cursor" not in custom and period:
        made["slaProperties"] += [
            {"property": "frequency", "value": 1, "unit": "d", "element": "data.tanggal"}
        ]
    return make(loads.folder, made)


def test_rows_of_raw_go_when_the_contracts_retention_is_over(loads: Loads) -> None:
    contract = events(loads, write_disposition="merge", cursor="tanggal")
    rows = [["1", "2025-11-25"], ["2", "2025-11-26"], ["3", "2026-11-01"]]
    loads.load(contract, lambda *_: rows, today=THEN)
    assert prune_dataset(loads.connection, contract, TODAY, "uji", dry_run=True) == Pruned(
        "raw.uji__data", "baris yang melewati masa simpan kontrak", 1
    )
    assert len(loads.raw(contract, "id")) == 3
    done = prune_dataset(loads.connection, contract, TODAY, "uji", dry_run=False)
    assert done is not None and done.count == 1
    assert loads.raw(contract, "id") == [(2,), (3,)]
    ledger = (
        "select state, rows_deleted, rows_in_raw, by_retention, window_start, window_end from ops.load_batch"
        " order by batch_id"
    )
    # A model with windows builds the days that are gone.
    assert loads.run(ledger)[1:] == [("loaded", 1, 2, True, date(2025, 11, 25), date(2025, 11, 25))]
    again = prune_dataset(loads.connection, contract, TODAY, "uji", dry_run=False)
    assert again is not None and again.count == 0 and len(loads.run(ledger)) == 2


def test_a_load_whose_retention_has_no_date_is_failed_in_the_ledger(loads: Loads) -> None:
    contract = replace(events(loads), sla={"retention": ("2500", "y")})
    with pytest.raises(LoadError, match="OverflowError"):
        loads.load(contract, lambda *_: [(1, "2026-01-01")])
    assert loads.run("select state from ops.load_batch") == [("failed",)]


def test_a_source_does_not_bring_back_the_rows_whose_retention_is_over(loads: Loads) -> None:
    contract = events(loads, write_disposition="merge")
    rows = [[str(n), "2001-01-01"] for n in range(25)] + [["90", "2026-11-01"], ["91", "kapan"]]
    loads.load(contract, lambda *_: rows, today=THEN)
    assert len(loads.raw(contract, "id")) == 26
    done = prune_dataset(loads.connection, contract, TODAY, "uji", dry_run=False)
    assert done is not None and done.count == 25
    batch = loads.load(contract, lambda *_: rows, today=TODAY)
    assert (batch.state, batch.read, batch.quarantined) == ("unchanged", 2, 1)
    assert loads.raw(contract, "id") == [(90,)]


def test_a_load_may_remove_all_rows_whose_retention_is_over(loads: Loads) -> None:
    contract = events(loads, write_disposition="replace")
    rows = [[str(n), "2001-01-01"] for n in range(25)] + [["90", "2026-11-01"]]
    loads.load(contract, lambda *_: rows, today=THEN)
    batch = loads.load(contract, lambda *_: rows, today=TODAY)
    assert (batch.deleted, loads.raw(contract, "id")) == (25, [(90,)])


def test_a_deletion_is_no_load_of_the_source(loads: Loads) -> None:
    contract = events(loads, write_disposition="merge", cursor="tanggal")
    loads.load(contract, lambda *_: [["1", "2001-01-01"], ["2", "2026-11-01"]], today=THEN)
    state = "select arrived_at, changed_at, last_state from ops.dataset_state"
    before = loads.run(state)
    loads.run("insert into ops.load_batch (dataset, state, finished_at) values ('uji/data', 'failed', now())")
    loads.run(
        "insert into quarantine.row (dataset, first_batch_id, last_batch_id, row, reasons, row_hash, created_at)"
        " values ('uji/data', 1, 1, '{}', '[]', 'x', '2001-01-01'), ('uji/data', 1, 1, '{}', '[]', 'y', now())"
    )
    done = prune_dataset(loads.connection, contract, TODAY, "uji", dry_run=False)
    assert done is not None and done.count == 1
    assert loads.run(state) == [(*before[0][:2], "failed")]
    assert loads.run("select row_hash from quarantine.row") == [("y",)]


@pytest.mark.parametrize(
    ("custom", "reason"),
    [
        ({"write_disposition": "replace", "period": False}, "tidak menyebut kolom periode"),
        ({"write_disposition": "merge", "cursor": "tanggal", "reconcile": "P1D"}, "rekonsiliasi"),
        ({"write_disposition": "merge", "cursor": "tanggal", "merge_strategy": "scd2"}, "riwayat"),
    ],
)
def test_a_dataset_whose_rows_would_come_back_is_left_and_says_why(
    loads: Loads, custom: dict[str, Any], reason: str
) -> None:
    contract = events(loads, **custom)
    loads.load(contract, lambda *_: [["1", "2001-01-01"]], today=THEN)
    done = prune_dataset(loads.connection, contract, TODAY, "uji", dry_run=False)
    assert done is not None and reason in done.note and done.count == 0
    assert len(loads.raw(contract, "id")) == 1


def test_only_old_uploads_that_a_newer_one_replaced_are_deleted(loads: Loads, tmp_path: Path) -> None:
    contract = make(
        tmp_path, document("uji/data", [column("id", "integer", primaryKey=True)], upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"}),
    )  # fmt: skip
    zone = tmp_path / "zona"
    folder = zone / "uji" / "data"
    folder.mkdir(parents=True)
    for name in ("1.csv", "2.csv", "3.csv", "4.csv"):
        (folder / name).write_text(f"id\n{name[0]}\n")
    seen = arrivals.register_files(loads.connection, contract, find_uploads(zone, contract)).arrivals
    outcomes = {"1.csv": "loaded", "2.csv": "rejected", "3.csv": "loaded"}
    for arrival in seen:
        if outcome := outcomes.get(arrival.file.name):
            arrivals.note_outcome(loads.connection, contract, arrival, outcome)
    loads.run("update ops.upload_seen set seen_at = now() - interval '400 days'")

    def prune(*, dry_run: bool) -> int:
        done = prune_uploads(loads.connection, contract, zone, 365, dry_run=dry_run)
        assert done is not None
        return done.count

    assert prune(dry_run=True) == 1
    (folder / "1.csv").write_text("id\n9\n")  # the OPD puts another content there
    assert prune(dry_run=False) == 0
    (folder / "1.csv").write_text("id\n1\n")
    arrivals.register_files(loads.connection, contract, find_uploads(zone, contract))
    assert prune(dry_run=False) == 0, "it was put there again, and not judged yet"
    loads.run("update ops.upload_seen set outcome = 'loaded', seen_at = now() - interval '400 days', seen_id = default"
              " where name = '3.csv'")  # fmt: skip
    loads.run("update ops.upload_seen set outcome = 'loaded', seen_at = now() - interval '400 days'"
              " where name = '1.csv'")  # fmt: skip
    (folder / "1-bertanda.xlsx").write_text("copy")
    os.utime(folder / "1-bertanda.xlsx", (0, 0))
    assert prune(dry_run=False) == 0, "a marked copy is read in place of it, and not judged yet"
    arrivals.register_files(loads.connection, contract, find_uploads(zone, contract))
    loads.run("update ops.upload_seen set outcome = 'loaded', seen_at = now() - interval '400 days'"
              " where name = '1.csv'")  # fmt: skip
    loads.run("update ops.upload_seen set outcome = 'loaded', seen_at = now() - interval '400 days', seen_id = default"
              " where name = '3.csv'")  # fmt: skip
    time.sleep(0.02)  # the clock of the file system
    (folder / "1.csv").chmod(0o640)
    assert prune(dry_run=False) == 2, "the copy, and the original that would count again without it"
    assert sorted(p.name for p in folder.iterdir()) == ["2.csv", "3.csv", "4.csv"]


def killed(code: str, *arguments: object) -> None:
    """Runs Python code in a process that kills itself."""
    command = [sys.executable, "-c", f"import os, signal, sys\n{code}", *map(str, arguments)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


PUT_AND_DIE = """
from pathlib import Path
from pipelines.extract.upload.files import put_upload
put_upload(Path(sys.argv[1]), "uji/data", Path(sys.argv[2]), before_seen=lambda: os.kill(os.getpid(), signal.SIGKILL))
"""
DELETE_AND_DIE = """
from pathlib import Path
from pipelines.extract.upload.files import UploadedFile
from pipelines.retention import uploads
path, size, mtime = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
uploads._finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
uploads._delete("uji/data", UploadedFile(path, path.name, size, mtime))
"""


def uploads_of(tmp_path: Path) -> Contract:
    """A dataset that takes every file, whose files are never deleted because a newer one came."""
    return make(
        tmp_path, document("uji/data", [column("id", "integer", primaryKey=True)], upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"}, write_disposition="merge"),
    )  # fmt: skip


def test_what_killed_processes_leave_in_the_zone_is_deleted_when_it_is_old(tmp_path: Path) -> None:
    contract, zone, file = uploads_of(tmp_path), tmp_path / "zona", tmp_path / "data.csv"
    folder = zone / contract.key
    file.write_text("id\n1\n")
    put_upload(zone, contract.key, file)
    stays = ("data.csv", ".milik-lain.part", ".milik-lain.hapus")
    for name in stays[1:]:
        (folder / name).write_text("x")
    killed(PUT_AND_DIE, zone, file)
    at = (folder / "data.csv").stat()
    old = tmp_path / "lama.csv"
    old.write_text("id\n0\n")
    os.utime(old, (5.25, 5.25))
    old.rename(folder / "lama.csv")
    killed(DELETE_AND_DIE, folder / "lama.csv", at.st_size, 5.25)
    assert len([*folder.iterdir()]) == len(stays) + 2

    def prune(*, dry_run: bool = False) -> int:
        done = prune_leftovers(contract, zone, dry_run=dry_run)
        assert done is not None and not done.note
        return done.count

    assert prune() == 0, "a process may be at it just now"
    late = time.time() - LEFT_S - 60
    for path in folder.iterdir():
        os.utime(path, (late, late))
    assert prune(dry_run=True) == 2
    assert prune() == 2
    assert sorted(path.name for path in folder.iterdir()) == sorted(stays)
    assert prune() == 0


@pytest.mark.parametrize("name_is_free", [True, False])
def test_a_new_file_that_a_killed_deletion_had_caught_comes_back(
    tmp_path: Path, *, name_is_free: bool
) -> None:
    contract, zone = uploads_of(tmp_path), tmp_path / "zona"
    folder = zone / contract.key
    folder.mkdir(parents=True)
    (folder / "data.csv").write_text("id\n1\n")
    at = (folder / "data.csv").stat()
    (folder / "data.csv").write_text("id\n12\n")  # the OPD replaces it after it was listed
    killed(DELETE_AND_DIE, folder / "data.csv", at.st_size, at.st_mtime)
    assert find_uploads(zone, contract) == []
    (ours,) = folder.iterdir()
    late = time.time() - LEFT_S - 60
    os.utime(ours, (late, late))
    if not name_is_free:
        (folder / "data.csv").write_text("id\n123\n")
    assert prune_leftovers(contract, zone, dry_run=False) == Pruned(
        "unggahan/uji/data", "sisa proses yang terhenti", 1
    )
    assert [path.name for path in folder.iterdir()] == ["data.csv"]
    assert (folder / "data.csv").read_text() == ("id\n12\n" if name_is_free else "id\n123\n")


def test_the_whole_prune_clears_the_upload_zone_of_leftovers(
    loads: Loads, dagster_url: str, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    assert instance.get_runs() == []
    home, project = tmp_path / "home", tmp_path / "proyek"
    settings = Settings(home=home, project=project, warehouse_url=loads.url)
    contract = uploads_of(settings.contracts_dir)
    part = home / "unggahan" / contract.key / f".{'0' * 16}.part"
    part.parent.mkdir(parents=True)
    part.write_text("id\n1\n")
    os.utime(part, (0, 0))
    done = prune_all(settings, dagster_url, Policy(), TODAY, "uji", dry_run=False)
    assert "unggahan/uji/data: 1 sisa proses yang terhenti dihapus" in " ".join(lines(done, dry_run=False))
    assert not part.exists()
