"""The newest load of a dataset is the one that was applied last, also where an older one was approved after it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.alerts.of_ledger import dataset_problems
from pipelines.cli.data.status import dataset_status
from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.datasets import Datasets
from pipelines.errors import SourceError
from pipelines.extract.upload.files import put_upload
from pipelines.feedback.ledger import last_told, note_load
from pipelines.feedback.loads import load_of, newest_load
from pipelines.ingest import ingest
from pipelines.load import ledger
from pipelines.load.approval.decide import APPROVED, REJECTED, Decision, decide
from pipelines.quality import gate_basis
from pipelines.quality.history import class_shares
from pipelines.settings import Settings
from tests.support.contracts import column, upload
from tests.support.loads import Loads, Row, Rows

COLUMNS = (
    column("id", "integer", primaryKey=True),
    column("hari", "date", required=True),
    column("jenis", enum=[{"value": "x"}, {"value": "y"}]),
)
DAILY = {"column": "hari", "every": "daily", "start": "2026-01-01"}
FIRST, SECOND = (Window(day, day) for day in (date(2026, 1, 1), date(2026, 1, 2)))


def gives(*rows: Row) -> Rows:
    return lambda _, __: rows


def failing(*_: object) -> list[Row]:
    raise SourceError("uji/data", "sumber tidak menjawab")


def decided(loads: Loads, contract: Contract, batch_id: int, what: str = APPROVED) -> None:
    decide(loads.connection, [contract], Decision(batch_id, what, "siti", "cli", "jumlahnya janggal"))


def problems(loads: Loads, contract: Contract) -> list[str]:
    now = datetime.now(UTC)
    found = dataset_problems(loads.connection, Datasets((contract,)), now - timedelta(days=1), now)
    return [problem.kind for problem in found]


def test_an_older_load_that_was_approved_later_is_the_newest(loads: Loads) -> None:
    held = loads.contract(*COLUMNS, approval="required", partition=DAILY)
    older = loads.load(held, gives(("1", "2026-01-01", "x")), window=FIRST).batch_id
    newer = loads.load(
        held, gives(("2", "2026-01-02", "y"), ("3", "2026-01-02", "y")), window=SECOND
    ).batch_id
    for batch, share in ((older, {"x": 1}), (newer, {"y": 2})):
        class_shares.keep(loads.connection, held, batch, {"jenis": share})
        gate_basis.keep(loads.connection, batch, "dasar")
        loads.run(
            "insert into ops.check_result (run_id, batch_id, asset, check_name, severity, passed)"  # noqa: S608
            f" values ('uji', {batch}, 'raw/uji/data', 'uji', 'error', true)"
        )
    decided(loads, held, newer)
    note_load(loads.connection, load_of(loads.connection, [held], newer), "clean")
    for expected in (newer, older):
        told = newest_load(loads.connection, held)
        assert told is not None and told.batch_id == expected
        assert gate_basis.passed_in(loads.connection, held, "dasar", ["uji"]) == expected
        (row,) = dataset_status(loads.url, [held.key])
        assert row["rows_read"] == (2 if expected == newer else 1)
        assert class_shares.last_shares(loads.connection, held) == {
            "jenis": {"y": 2} if expected == newer else {"x": 1}
        }
        if expected == newer:
            decided(loads, held, older)
    before = last_told(loads.connection, load_of(loads.connection, [held], older))
    assert before is not None and before.batch_id == newer


def test_a_failure_is_over_when_an_older_load_is_approved_and_not_before(loads: Loads) -> None:
    held = loads.contract(*COLUMNS, approval="required", partition=DAILY)
    older = loads.load(held, gives(("1", "2026-01-01", "x")), window=FIRST).batch_id
    with pytest.raises(SourceError):
        loads.load(held, failing, window=SECOND)
    assert problems(loads, held) == ["failed"]
    decided(loads, held, older)
    assert problems(loads, held) == []
    (row,) = dataset_status(loads.url, [held.key])
    assert row["state"] == "loaded"


def test_what_a_load_replaced_is_older_than_what_is_in_force(loads: Loads) -> None:
    held = loads.contract(*COLUMNS, approval="required")
    first = loads.load(held, gives(("1", "2026-01-01", "x"))).batch_id
    decided(loads, held, first)
    second = loads.load(held, gives(("1", "2026-01-01", "y"))).batch_id
    loads.run(
        "update ops.load_batch set state = 'superseded', finished_at = clock_timestamp()"  # noqa: S608
        f" where batch_id = {second}"
    )
    (row,) = dataset_status(loads.url, [held.key])
    assert row["state"] == "loaded" and problems(loads, held) == []


def with_upload(loads: Loads, folder: Path, content: str) -> tuple[Settings, Contract]:
    """A dataset whose uploads wait for approval, with one file in its zone."""
    settings = Settings(home=folder / "home", project=folder, warehouse_url=loads.url)
    held = loads.contract(
        column("id", "integer", primaryKey=True), server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"}, approval="required",
    )  # fmt: skip
    file = folder / "a.csv"
    file.write_text(content)
    put_upload(settings.home / "unggahan", held.key, file)
    return settings, held


def test_a_rejected_full_refresh_is_not_rejected_again_each_night(loads: Loads, tmp_path: Path) -> None:
    """Raw has the file's rows; only that they replace everything was refused."""
    settings, held = with_upload(loads, tmp_path, "id\n1\n2\n")

    def night(*, full_refresh: bool = False) -> ledger.Batch:
        done = ingest(loads.connection, held, settings, loads.url, run_id="uji", full_refresh=full_refresh)
        assert done.batch is not None
        return done.batch

    decided(loads, held, night().batch_id)
    loads.run("delete from raw.uji__data where id = 2")
    refresh = night(full_refresh=True)
    assert refresh.state == "waiting"
    assert night().batch_id == refresh.batch_id  # it still waits
    decided(loads, held, refresh.batch_id, REJECTED)
    assert problems(loads, held) == ["failed"]  # it is told once
    assert loads.run("select outcome from ops.upload_seen") == [(None,)]

    for _ in range(2):
        assert night().state == "unchanged"
        assert problems(loads, held) == []
    assert loads.run("select outcome from ops.upload_seen") == [("unchanged",)]
    assert loads.raw(held, "id") == [(1,)]


def test_a_rejected_file_stays_rejected(loads: Loads, tmp_path: Path) -> None:
    settings, held = with_upload(loads, tmp_path, "id\n1\n")
    first = ingest(loads.connection, held, settings, loads.url, run_id="uji").batch
    assert first is not None
    decided(loads, held, first.batch_id, REJECTED)
    again = ingest(loads.connection, held, settings, loads.url, run_id="uji").batch
    assert again is not None and (again.batch_id, again.state) == (first.batch_id, "rejected")
