"""A load of a contract with `approval: required` waits, and changes raw only when a person has approved it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipelines.clock import TIMEZONE
from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.errors import GudangError
from pipelines.load.approval.decide import APPROVED, REJECTED, Decided, Decision, carry_out_open, decide
from pipelines.load.approval.waiting import select_staged, waiting_loads
from pipelines.load.ledger import RawVersion, raw_versions
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse.relation import Relation
from tests.support.contracts import column, database, document, make, upload
from tests.support.faulted import wait_for_nobody
from tests.support.loads import Loads, Row, Rows

ID = column("id", "integer", primaryKey=True)
VALUE = column("nilai", "integer", required=True)


def gives(*rows: Row) -> Rows:
    return lambda _, __: rows


def approve(loads: Loads, contract: Contract, batch_id: int) -> Decided:
    return decide(loads.connection, [contract], Decision(batch_id, APPROVED, "siti", "cli"))


def reject(loads: Loads, contract: Contract, batch_id: int, reason: str = "jumlahnya janggal") -> Decided:
    return decide(loads.connection, [contract], Decision(batch_id, REJECTED, "siti", "cli", reason))


def states(loads: Loads) -> list[str]:
    return [state for (state,) in loads.run("select state from ops.load_batch order by batch_id")]


def version_of(loads: Loads, contract: Contract) -> RawVersion:
    table = str(Relation("raw", contract.table))
    return raw_versions(loads.connection, {contract.key: table})[contract.key]


def staged_tables(loads: Loads) -> int:
    return loads.run(
        "select count(*) from pg_class where relnamespace = 'landing'::regnamespace and relkind = 'r'"
    )[0][0]


def test_a_replace_waits_and_is_applied_as_it_was_staged(loads: Loads) -> None:
    open_, held = loads.contract(ID, VALUE), loads.contract(ID, VALUE, approval="required")
    loads.load(open_, gives(("1", "10"), ("2", "20"), ("3", "30")))
    batch = loads.load(held, gives(("1", "10"), ("2", "21"), ("4", "40"), ("x", "50")))
    assert batch.state == "waiting" and batch.preview is not None
    assert (batch.preview.new, batch.preview.changed, batch.preview.unchanged, batch.preview.deleted) == (
        1,
        1,
        1,
        1,
    )
    assert loads.raw(held, "id", "nilai") == [(1, 10), (2, 20), (3, 30)]
    assert loads.run("select count(*) from quarantine.row where state = 'open'") == [(1,)]
    assert sorted(row[0] for row in loads.run(select_staged(held, batch.batch_id))) == [1, 2, 4]

    done = approve(loads, held, batch.batch_id)
    assert (done.batch.state, done.batch.loaded, done.batch.deleted) == ("loaded", 2, 1)
    assert loads.raw(held, "id", "nilai") == [(1, 10), (2, 21), (4, 40)]
    assert staged_tables(loads) == 0
    assert loads.run("select decision, decided_by, via, done_at is not null from ops.load_decision") == [
        ("approved", "siti", "cli", True)
    ]


def test_to_approve_twice_does_nothing(loads: Loads) -> None:
    held = loads.contract(ID, approval="required")
    batch = loads.load(held, gives(("1",)))
    approve(loads, held, batch.batch_id)
    again = approve(loads, held, batch.batch_id)
    assert again.done_before.startswith("sudah disetujui oleh siti pada ")
    assert loads.run("select count(*) from ops.load_decision") == [(1,)]
    with pytest.raises(GudangError, match="sudah disetujui oleh siti"):
        reject(loads, held, batch.batch_id)


def test_a_rejected_load_leaves_raw_and_its_reason(loads: Loads) -> None:
    held = loads.contract(ID, approval="required")
    batch = loads.load(held, gives(("1",)))
    reject(loads, held, batch.batch_id, "dobel\ndengan bulan lalu, 6402010101900001")
    assert loads.run("select state, error, code, rows_loaded from ops.load_batch") == [
        ("rejected", "ditolak walidata: dobel dengan bulan lalu, *** [GDK-M013]", "GDK-M013", 0)
    ]
    assert loads.raw(held) == [] and staged_tables(loads) == 0


@pytest.mark.parametrize(("by", "reason"), [("siti", " "), ("", "salah"), ("siti", "x" * 1001)])
def test_a_rejection_says_who_and_why(by: str, reason: str) -> None:
    with pytest.raises(GudangError):
        Decision(1, REJECTED, by, "cli", reason)


def test_a_load_that_changes_nothing_does_not_wait(loads: Loads) -> None:
    loads.load(loads.contract(ID), gives(("1",)))
    assert loads.load(loads.contract(ID, approval="required"), gives(("1",))).state == "unchanged"


def test_a_newer_load_takes_the_place_of_the_waiting_one(loads: Loads) -> None:
    held = loads.contract(ID, approval="required")
    first = loads.load(held, gives(("1",)))
    (before,) = waiting_loads(loads.connection, [held.key])
    second = loads.load(held, gives(("1",), ("2",)))
    assert states(loads) == ["superseded", "waiting"] and staged_tables(loads) == 1
    assert f"menggantikan kiriman {first.batch_id}, yang masih menunggu persetujuan" in second.warnings
    (after,) = waiting_loads(loads.connection, [held.key])
    assert after.waiting_since == before.waiting_since
    with pytest.raises(GudangError, match=f"digantikan kiriman {second.batch_id}"):
        approve(loads, held, first.batch_id)
    approve(loads, held, second.batch_id)
    assert loads.raw(held, "id") == [(1,), (2,)]


def test_a_source_that_went_back_leaves_nothing_to_approve(loads: Loads) -> None:
    loads.load(loads.contract(ID), gives(("1",)))
    held = loads.contract(ID, approval="required")
    loads.load(held, gives(("1",), ("2",)))
    assert loads.load(held, gives(("1",))).state == "unchanged"
    assert states(loads) == ["loaded", "superseded", "unchanged"]


def test_a_changed_contract_ends_what_waits(loads: Loads) -> None:
    held = loads.contract(ID, approval="required")
    batch = loads.load(held, gives(("1",)))
    changed = loads.contract(ID, approval="required", max_shrink_share=0.9)
    with pytest.raises(GudangError, match="kontraknya berubah"):
        approve(loads, changed, batch.batch_id)
    assert states(loads) == ["superseded"] and loads.raw(held) == []
    assert loads.load(changed, gives(("1",))).state == "waiting"


@pytest.mark.parametrize(
    ("asked_for", "again"),
    [
        ({}, "; sumbernya dimuat lagi"),
        ({"full_refresh": True}, "; minta lagi muat ulang penuh: `gudang reload uji/data`"),
        (
            {"window": Window(date(2026, 1, 1), date(2026, 1, 31))},
            "; jendela 2026-01-01 s.d. 2026-01-31 diisi ulang lagi, kecuali malam membacanya",
        ),
    ],
)
def test_what_waited_and_is_over_says_how_its_rows_come_again(
    asked_for: dict[str, Any], again: str, loads: Loads
) -> None:
    partition = (
        {"column": "tanggal", "every": "daily", "start": "2026-01-01"} if "window" in asked_for else None
    )
    custom = {"partition": partition} if partition else {}
    columns = (ID, column("tanggal", "date", required=True))
    held = loads.contract(*columns, approval="required", **custom)
    batch = loads.load(held, gives(("1", "2026-01-02")), **asked_for)
    changed = loads.contract(*columns, approval="required", max_shrink_share=0.9, **custom)
    loads.load(changed, gives(("1", "2026-01-02")), **asked_for)
    assert loads.connection.execute(
        "select state, error from ops.load_batch where batch_id = %s", [batch.batch_id]
    ).fetchone() == ("superseded", f"kontraknya berubah sesudah kiriman ini diperiksa{again}")


def test_a_stage_that_is_lost_cannot_be_approved(loads: Loads) -> None:
    held = loads.contract(ID, approval="required")
    batch = loads.load(held, gives(("1",)))
    loads.run(f'drop table landing."uji__data__{batch.batch_id}_stage"')
    with pytest.raises(GudangError, match="barisnya tidak ada lagi"):
        approve(loads, held, batch.batch_id)
    assert states(loads) == ["superseded"]


def test_what_raw_refuses_fails_at_the_load_and_not_at_the_approval(loads: Loads) -> None:
    loads.load(loads.contract(ID), lambda _, __: [(str(n),) for n in range(100)])
    with pytest.raises(GudangError, match="lebih dari 50% akan hilang"):
        loads.load(loads.contract(ID, approval="required"), gives(("1",)))
    assert states(loads) == ["loaded", "failed"] and staged_tables(loads) == 0


def test_a_rejected_merge_is_read_again_because_its_watermark_stayed(loads: Loads) -> None:
    held = loads.contract(ID, VALUE, write_disposition="merge", cursor="nilai", approval="required")
    asked: list[str | None] = []

    def source(_: Contract, since: str | None) -> list[Row]:
        asked.append(since)
        return [("1", "10"), ("2", "20")]

    first = loads.load(held, source)
    assert loads.run("select count(*) from ops.watermark") == [(0,)]
    reject(loads, held, first.batch_id)
    second = loads.load(held, source)
    approve(loads, held, second.batch_id)
    loads.load(held, source)
    assert asked == [None, None, "20"]
    assert loads.run("select value from ops.watermark") == [("20",)]


def test_quarantined_rows_are_resolved_by_the_approval_and_not_by_the_wait(loads: Loads) -> None:
    held = loads.contract(ID, VALUE, approval="required")
    first = loads.load(held, gives(("1", "x"), ("2", "y"), ("3", "3"), ("4", "4")))
    approve(loads, held, first.batch_id)
    second = loads.load(held, gives(("1", "1"), ("2", "y"), ("3", "3"), ("4", "4")))
    assert loads.run("select count(*) from quarantine.row where state = 'open'") == [(2,)]
    approve(loads, held, second.batch_id)
    assert loads.run("select row_key from quarantine.row where state = 'open'") == [("2",)]


def test_appended_files_wait_side_by_side_and_are_decided_in_their_order(loads: Loads) -> None:
    held = loads.contract(
        ID,
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"},
        write_disposition="append",
        approval="required",
    )
    first = loads.load(held, gives(("1",)), file="a.csv")
    second = loads.load(held, gives(("2",)), file="b.csv")
    assert states(loads) == ["waiting", "waiting"]
    with pytest.raises(GudangError, match=f"kiriman {first.batch_id} datang lebih dahulu"):
        approve(loads, held, second.batch_id)
    corrected = loads.load(held, gives(("3",)), file="a.csv")
    assert states(loads) == ["superseded", "waiting", "waiting"]
    approve(loads, held, second.batch_id)
    approve(loads, held, corrected.batch_id)
    assert loads.raw(held, "id") == [(2,), (3,)]


def test_windows_wait_side_by_side_in_any_order(loads: Loads) -> None:
    day = column("hari", "date", required=True)
    held = loads.contract(
        ID, day, approval="required", partition={"column": "hari", "every": "daily", "start": "2026-01-01"}
    )
    january = Window(date(2026, 1, 1), date(2026, 1, 31))
    february = Window(date(2026, 2, 1), date(2026, 2, 28))
    first = loads.load(held, gives(("1", "2026-01-02")), window=january)
    second = loads.load(held, gives(("2", "2026-02-02")), window=february)
    approve(loads, held, second.batch_id)
    assert loads.raw(held, "id") == [(2,)]
    before = version_of(loads, held)
    assert loads.state(held, "rows_in_raw", "last_state") == (1, "loaded")
    approve(loads, held, first.batch_id)
    assert loads.raw(held, "id") == [(1,), (2,)]
    after = version_of(loads, held)
    assert after.version != before.version  # so the models are built again
    assert before.loaded_at and after.loaded_at and after.loaded_at > before.loaded_at
    assert loads.state(held, "rows_in_raw", "last_state") == (2, "loaded")


def test_files_of_a_full_refresh_wait_behind_the_first_one(loads: Loads) -> None:
    how: dict[str, Any] = {
        "server": upload("uji/data", "csv"),
        "extract": {"format": "csv", "pattern": "*.csv"},
        "write_disposition": "append",
    }
    loads.load(loads.contract(ID, **how), gives(("1",)), file="a.csv")
    held = loads.contract(ID, **how, approval="required")
    loads.load(held, gives(("2",)), file="b.csv")
    refreshed = loads.load(held, gives(("5",)), file="a.csv", full_refresh=True)
    behind = loads.load(held, gives(("2",)), file="b.csv")
    assert states(loads) == ["loaded", "superseded", "waiting", "waiting"]
    approve(loads, held, refreshed.batch_id)
    approve(loads, held, behind.batch_id)
    assert loads.raw(held, "id") == [(2,), (5,)]


@pytest.mark.parametrize(
    "how",
    [
        {"write_disposition": "append"},
        {"write_disposition": "merge"},
        {"partition": {"column": "hari", "every": "monthly", "start": "2026-01-01"}},
    ],
    ids=["append", "merge", "periods"],
)
def test_a_full_refresh_keeps_the_rows_of_files_that_raw_had(loads: Loads, how: dict[str, Any]) -> None:
    held = loads.contract(
        ID,
        column("hari", "date", required=True),
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"},
        approval="required",
        **how,
    )
    january, february = gives(("1", "2026-01-05")), gives(("2", "2026-02-05"))
    for file, rows in (("a.csv", january), ("b.csv", february)):
        approve(loads, held, loads.load(held, rows, file=file).batch_id)
    refreshed = loads.load(held, january, file="a.csv", full_refresh=True)
    behind = loads.load(held, february, file="b.csv")
    assert (refreshed.state, behind.state) == ("waiting", "waiting")
    approve(loads, held, refreshed.batch_id)
    approve(loads, held, behind.batch_id)
    assert loads.raw(held, "id") == [(1,), (2,)]


def test_an_approval_does_not_bring_back_rows_whose_retention_is_over(loads: Loads, tmp_path: Path) -> None:
    columns = [ID, column("hari", "date", required=True)]
    made = document("uji/data", columns, database("UJI_URL"), extract={"table": "data"}, approval="required")
    made["slaProperties"] = [
        {"property": "retention", "value": 1, "unit": "y"},
        {"property": "frequency", "value": 1, "unit": "d", "element": "data.hari"},
    ]
    held = make(tmp_path, made)
    today = datetime.now(ZoneInfo(TIMEZONE)).date()
    old, new = today - timedelta(days=400), today - timedelta(days=100)
    batch = loads.load(held, gives(("1", str(old)), ("2", str(new))), today=today - timedelta(days=60))
    assert batch.state == "waiting" and batch.read == 2
    done = approve(loads, held, batch.batch_id)
    assert loads.raw(held, "id") == [(2,)] and (done.batch.read, done.batch.loaded) == (1, 1)


def killed(loads: Loads, contract: Contract, where: str, what: object) -> None:
    """A load (of rows) or an approval (of a load's number) in a process of its own, killed at this stage."""
    command = [
        sys.executable,
        "-m",
        "tests.support.doomed",
        loads.url,
        str(contract.path),
        where,
        json.dumps(what),
    ]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    wait_for_nobody(loads)


@pytest.mark.parametrize("where", ["swap", "commit", "afterwards"])
def test_an_approval_killed_at_any_stage_leaves_the_load_waiting_or_loaded(loads: Loads, where: str) -> None:
    held = loads.contract(ID, VALUE, approval="required")
    batch = loads.load(held, gives(("1", "10"), ("2", "x")))
    killed(loads, held, where, batch.batch_id)
    if where == "afterwards":
        assert (states(loads), loads.raw(held, "id")) == (["loaded"], [(1,)])
    else:
        assert (states(loads), loads.raw(held, "id")) == (["waiting"], [])
        assert loads.run("select count(*) from ops.load_decision") == [(0,)]
        assert approve(loads, held, batch.batch_id).batch.loaded == 1
    assert approve(loads, held, batch.batch_id).done_before
    assert loads.raw(held, "id", "nilai") == [(1, 10)]
    assert loads.run("select count(*) from quarantine.row where state = 'open'") == [(1,)]
    assert staged_tables(loads) == 0


def test_a_load_killed_before_it_waits_leaves_nothing_to_approve(loads: Loads) -> None:
    held = loads.contract(ID, VALUE, approval="required")
    killed(loads, held, "commit", [["1", "10"]])
    assert loads.load(held, gives(("1", "10"))).state == "waiting"
    assert states(loads) == ["died", "waiting"] and staged_tables(loads) == 1


def test_a_night_carries_out_what_was_decided_on_the_upload_page(loads: Loads) -> None:
    held = loads.contract(ID, approval="required")
    batch = loads.load(held, gives(("1",)))
    loads.run(
        "insert into ops.load_decision (batch_id, decision, decided_by)"
        " select batch_id, 'approved', 'wati' from ops.load_batch union all values (999, 'approved', 'wati')"
    )
    lines = carry_out_open(loads.connection, [held])
    assert lines[0] == f"kiriman {batch.batch_id} (uji/data): disetujui oleh wati"
    assert lines[1].startswith("putusan loket gagal: kiriman 999: tidak ada")
    assert loads.raw(held, "id") == [(1,)] and carry_out_open(loads.connection, [held]) == []


def test_a_history_gets_its_versions_when_it_is_approved(loads: Loads) -> None:
    held = loads.contract(ID, VALUE, write_disposition="merge", merge_strategy="scd2", approval="required")
    approve(loads, held, loads.load(held, gives(("1", "10"), ("2", "20"))).batch_id)
    batch = loads.load(held, gives(("1", "11")))
    assert batch.preview is not None and (
        batch.preview.new,
        batch.preview.changed,
        batch.preview.deleted,
    ) == (0, 1, 1)
    assert loads.run("select count(*) from raw.uji__data where is_current") == [(2,)]
    approve(loads, held, batch.batch_id)
    assert loads.run("select id, nilai, is_current from raw.uji__data order by 1, 2") == [
        (1, 10, False), (1, 11, True), (2, 20, False)
    ]  # fmt: skip
