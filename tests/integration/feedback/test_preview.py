"""A preview says what the load of a file would do, in all dispositions, and leaves warehouse and zone as they were."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from pipelines.cli.data.preview import lines, print_previews
from pipelines.contracts.model import Contract
from pipelines.extract.upload.inbox import file_outside
from pipelines.feedback.preview import Preview, preview
from pipelines.load.ledger import Changes
from tests.support.contracts import column
from tests.support.feedback import ToldOpd

KEY = column("kode", required=True, primaryKey=True)
PLAIN = column("kode", required=True)
COUNT = column("jumlah", "integer")
MONTH = column("bulan", required=True)
MONTHLY = {"column": "bulan", "every": "monthly", "start": "2026-01-01"}
HEADER = ("kode", "jumlah")

FIRST = (("A", "1"), ("B", "2"), ("C", "3"))
SECOND = (("A", "1"), ("B", "20"), ("D", "4"), ("E", "lima"))
"""Against FIRST: A is the same, B changed, D is new, E is refused, C is gone."""


@pytest.fixture
def opd(warehouse_url: str, tmp_path: Path) -> Iterator[ToldOpd]:
    made = ToldOpd(warehouse_url, tmp_path)
    yield made
    made.loads.connection.close()


def write(folder: Path, name: str, rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER) -> Path:
    file = folder / name
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([header, *rows])
    return file


def previewed(opd: ToldOpd, contract: Contract, file: Path) -> Preview:
    return preview(
        opd.loads.connection, contract, opd.settings, file_outside(opd.zone, contract, file, file.name)
    )


def everything(opd: ToldOpd) -> dict[str, Any]:
    """The rows of every table of the warehouse, its tables, and the files of the zone with their times."""
    tables = opd.loads.run(
        "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema)' order by 1, 2"
    )
    found: dict[str, Any] = {}
    for names in tables:
        query = sql.SQL("select array_agg(t::text order by t::text) from {} t").format(sql.Identifier(*names))
        found[".".join(names)] = opd.loads.connection.execute(query).fetchone()
    for path in sorted(Path(str(opd.zone)).rglob("*")):
        found[str(path)] = path.is_file() and (path.read_bytes(), path.stat().st_mtime_ns)
    return found


@pytest.mark.parametrize(
    ("columns", "custom", "expected"),
    [
        ((KEY, COUNT), {}, Changes(1, 1, 1, 1)),
        ((PLAIN, COUNT), {}, Changes(2, 0, 1, 2)),
        ((PLAIN, COUNT), {"write_disposition": "append"}, Changes(3, 0, 0, 0)),
        ((KEY, COUNT), {"write_disposition": "merge"}, Changes(1, 1, 1, 0)),
        ((KEY, COUNT), {"write_disposition": "merge", "merge_strategy": "scd2"}, Changes(1, 1, 1, 1)),
        ((KEY, COUNT), {"approval": "required"}, Changes(1, 1, 1, 1)),
    ],
    ids=["replace", "without key", "append", "merge", "history", "approval"],
)
def test_the_numbers_are_those_of_the_load_and_nothing_changes(
    opd: ToldOpd, tmp_path: Path, columns: Any, custom: dict[str, Any], expected: Changes
) -> None:
    open_custom = {name: value for name, value in custom.items() if name != "approval"}
    opd.send(opd.dataset("uji/data", "csv", *columns, **open_custom), write(tmp_path, "a.csv", FIRST))
    contract = opd.dataset("uji/data", "csv", *columns, **custom)
    file = write(tmp_path, "b.csv", SECOND)
    before = everything(opd)
    found = previewed(opd, contract, file)
    assert everything(opd) == before
    assert (found.changes, found.refused) == (expected, 1)
    assert [(f.code, f.count) for f in found.found] == [("GDK-B002", 1)]

    opd.send(contract, file)
    (counts,) = opd.loads.run(
        "select b.state, rows_quarantined, coalesce(a.rows_new, b.rows_new),"
        " coalesce(a.rows_changed, b.rows_loaded - b.rows_new), coalesce(a.rows_unchanged, b.rows_unchanged),"
        " coalesce(a.rows_deleted, b.rows_deleted) from ops.load_batch b left join ops.load_approval a using (batch_id)"
        " order by b.batch_id desc limit 1"
    )
    assert Changes(*counts[2:]) == expected
    assert counts[:2] == (found.state, found.refused)


def test_a_file_that_replaces_periods_is_compared_with_these_periods(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", KEY, MONTH, partition=MONTHLY)
    header = ("kode", "bulan")
    opd.send(contract, write(tmp_path, "a.csv", (("A", "2026-01"), ("B", "2026-01")), header))
    opd.send(contract, write(tmp_path, "b.csv", (("C", "2026-02"), ("D", "2026-02")), header))
    before = everything(opd)
    # B moved from January, C is the same, D is gone, E is new.
    file = write(tmp_path, "c.csv", (("B", "2026-02"), ("C", "2026-02"), ("E", "2026-02")), header)
    found = previewed(opd, contract, file)
    assert everything(opd) == before
    assert found.changes == Changes(1, 1, 1, 1)
    opd.send(contract, file)
    assert opd.loads.raw(contract, "kode", "bulan") == [
        ("A", "2026-01"), ("B", "2026-02"), ("C", "2026-02"), ("E", "2026-02")
    ]  # fmt: skip


def test_the_first_file_of_a_dataset_leaves_no_table_behind(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", KEY, COUNT)
    before = everything(opd)
    assert previewed(opd, contract, write(tmp_path, "a.csv", FIRST)).changes == Changes(3, 0, 0, 0)
    assert everything(opd) == before and "raw.uji__data" not in before


@pytest.mark.parametrize("last", ["7", "lima", "99999999999"])
def test_a_large_file_is_previewed_by_its_fast_way_too(opd: ToldOpd, tmp_path: Path, last: str) -> None:
    """Its rows land typed and frozen, or again as text if only we or only PostgreSQL see that the last cell is bad."""
    contract = opd.dataset("uji/data", "csv", KEY, COUNT)
    rows = [(f"kode-{number:06}-{'x' * 20}", str(number)) for number in range(40_000)]
    before = everything(opd)
    seen = previewed(opd, contract, write(tmp_path, "besar.csv", [*rows, ("akhir", last)]))
    assert (seen.changes.new, seen.refused) == ((40_001, 0) if last == "7" else (40_000, 1))
    assert everything(opd) == before


def test_persons_are_compared_by_their_pseudonyms(
    opd: ToldOpd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 40)
    person = column("nik", required=True, primaryKey=True, classification="pribadi", pseudonymise="uji")
    contract = opd.dataset("uji/orang", "csv", person, COUNT)
    header = ("nik", "jumlah")
    rows = [("6402010101900001", "1"), ("6402010101900002", "2")]
    opd.send(contract, write(tmp_path, "a.csv", rows, header))
    before = everything(opd)
    file = write(tmp_path, "b.csv", [("6402010101900001", "9"), ("6402010101900003", "x")], header)
    found = previewed(opd, contract, file)
    assert everything(opd) == before
    assert (found.changes, found.refused) == (Changes(0, 1, 0, 1), 1)
    assert "64020101019" not in "\n".join(lines(found))


def test_a_file_that_the_gate_would_reject_says_why(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", KEY, COUNT, max_quarantine_share=0)
    opd.send(contract, write(tmp_path, "a.csv", FIRST))
    before = everything(opd)
    found = previewed(opd, contract, write(tmp_path, "b.csv", SECOND))
    assert everything(opd) == before
    assert (found.state, found.changes, found.refused) == ("rejected", Changes(0, 0, 0, 0), 1)
    assert "DITOLAK oleh pemeriksaan" in found.why
    assert [f.code for f in found.found] == ["GDK-B002", "GDK-T013"]


def test_a_file_that_raw_refuses_fails_in_the_preview_too(opd: ToldOpd, tmp_path: Path) -> None:
    """Of appended files no two may have the same key: PostgreSQL itself refuses it, in the middle of the load."""
    contract = opd.dataset("uji/data", "csv", KEY, COUNT, write_disposition="append")
    opd.send(contract, write(tmp_path, "a.csv", FIRST))
    before = everything(opd)
    found = previewed(opd, contract, write(tmp_path, "b.csv", SECOND))
    assert everything(opd) == before
    assert (found.state, [f.code for f in found.found]) == ("failed", ["GDK-M007"])
    # The session is as it was: the corrected file is compared.
    corrected = write(tmp_path, "a.csv", SECOND)
    assert previewed(opd, contract, corrected).changes == Changes(1, 1, 1, 1)
    assert opd.send(contract, corrected) == "loaded"


def test_the_suite_is_asked_about_the_rows_that_nobody_else_sees(opd: ToldOpd, tmp_path: Path) -> None:
    suite = opd.settings.expectations_dir / "uji" / "data.json"
    suite.parent.mkdir(parents=True)
    rule = {
        "type": "expect_column_max_to_be_between",
        "kwargs": {"column": "jumlah", "max_value": 10},
        "severity": "critical",
        "meta": {"nama": "jumlah_wajar", "notes": "Jumlah paling banyak 10."},
    }
    suite.write_text(json.dumps({"name": "uji.data", "expectations": [rule]}))
    contract = opd.dataset("uji/data", "csv", KEY, COUNT)
    assert opd.send(contract, write(tmp_path, "a.csv", FIRST)) == "loaded"
    before = everything(opd)
    found = previewed(opd, contract, write(tmp_path, "b.csv", SECOND))
    assert everything(opd) == before
    assert found.state == "rejected" and "jumlah_wajar" in found.why


def test_known_content_is_said_to_be_known(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", KEY, COUNT)
    opd.send(contract, write(tmp_path, "a.csv", FIRST))
    found = previewed(opd, contract, write(tmp_path, "b.csv", FIRST))
    assert found.is_known and lines(found) == ["b.csv: isinya sudah dimuat, jadi tidak ada yang baru"]


def test_the_command_prints_each_file(
    opd: ToldOpd, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = opd.dataset("uji/data", "csv", KEY, COUNT, extract={"format": "csv", "pattern": "*.csv"})
    opd.send(contract, write(tmp_path, "a.csv", FIRST))
    files = [write(tmp_path, "b.csv", SECOND), write(tmp_path, "c.txt", FIRST)]
    assert not print_previews(opd.loads.connection, contract, opd.settings, files)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "b.csv: 1 baru, 1 berubah, 1 sama, 1 dihapus, 1 dikarantina (baris)"
    assert said[1].startswith("  GDK-B002  1 × ") and said[1].endswith("(galat)")  # noqa: RUF001
    assert said[2].startswith("c.txt: TIDAK DAPAT DIMUAT: uji/data: nama berkas tidak cocok dengan *.csv")
    assert said[-2] == "Dari 2 berkas ini yang dimuat hanya yang datang terakhir."
    assert print_previews(opd.loads.connection, contract, opd.settings, files[:1])


def test_the_command_goes_on_after_a_fault_that_is_not_the_files(
    opd: ToldOpd, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GUDANG_PSEUDONYM_KEY", raising=False)
    person = column("nik", required=True, classification="pribadi", pseudonymise="uji")
    contract = opd.dataset("uji/orang", "csv", person)
    files = [write(tmp_path, name, [("6402010101900001",)], ("nik",)) for name in ("a.csv", "b.csv")]
    assert not print_previews(opd.loads.connection, contract, opd.settings, files)
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(": uji/orang")[0] for line in said[:2]] == [
        "a.csv: TIDAK DAPAT DIHITUNG", "b.csv: TIDAK DAPAT DIHITUNG"
    ]  # fmt: skip
