"""What an OPD was told is over when it is corrected, and not because something else was loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.datasets import Datasets
from pipelines.feedback.send import send_pending
from pipelines.ingest import ingest
from pipelines.load.approval.decide import APPROVED, Decision, decide
from pipelines.quality.gate import GateResult
from pipelines.quality.results import CheckResult
from tests.support.contracts import column, database
from tests.support.feedback import ToldOpd
from tests.support.loads import Row

COLUMNS = (
    column("kode", required=True, primaryKey=True),
    column("nama"),
    column("tahun", "integer", required=True),
)
CSV = "kode,nama,tahun\n"
LOST = CSV + "A,Kel\ufffd,2024\n"
"""A row with a letter that was lost: it is loaded, and a check of the table warns (GDK-T017)."""
MENDED = CSV + "A,Kele,2024\n"
OTHER = CSV + "B,Ani,2025\n"
YEARLY = {"column": "tahun", "every": "yearly", "start": "2020-01-01"}
JANUARY, FEBRUARY = (Window(date(2026, month, 1), date(2026, month, 28)) for month in (1, 2))


@pytest.fixture
def opd(warehouse_url: str, tmp_path: Path) -> Iterator[ToldOpd]:
    made = ToldOpd(warehouse_url, tmp_path, mail_when="on_change")
    yield made
    made.loads.connection.close()


def send(opd: ToldOpd, contract: Contract, text: str, name: str = "a.csv") -> str:
    file = opd.loads.folder / name
    file.write_text(text)
    return opd.send(contract, file)


def ended(opd: ToldOpd) -> list[bool]:
    """Tells what is due. Gives for each folder of the outbox whether it says that its findings are over."""
    opd.tell()
    found = [(folder / "SELESAI.txt").exists() for folder in opd.folders()]
    assert found == [state == "resolved" for state in opd.states() if state in ("open", "resolved")]
    return found


def mails(opd: ToldOpd) -> list[str]:
    rows = opd.loads.run("select letter ->> 'subject' from ops.feedback where letter is not null order by 1")
    return [subject.split(":")[0] for (subject,) in rows]


TOLD, MAILED_OVER = "1 temuan", "Kiriman diterima tanpa temuan"


def test_a_file_that_is_read_by_nobody_again_ends_no_warning(opd: ToldOpd) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS)
    assert send(opd, contract, LOST) == "loaded"
    assert ended(opd) == [False]
    assert opd.load(contract) == "unchanged"
    assert ended(opd) == [False]
    assert send(opd, contract, MENDED) == "loaded"
    assert ended(opd) == [True]
    assert mails(opd) == [TOLD, MAILED_OVER]


@pytest.mark.parametrize(
    "custom",
    [
        {"write_disposition": "merge"},
        {"write_disposition": "append"},
        {"partition": YEARLY},
    ],
    ids=["merge", "append", "periods"],
)
def test_other_file_ends_no_warning_where_each_adds_to_the_others(
    custom: dict[str, Any], opd: ToldOpd
) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS, **custom)
    assert send(opd, contract, LOST) == "loaded"
    assert ended(opd) == [False]
    assert send(opd, contract, OTHER, "b.csv") == "loaded"
    assert opd.load(contract) in ("none", "unchanged")
    assert ended(opd) == [False]
    assert mails(opd) == [TOLD]
    assert send(opd, contract, MENDED.replace("A,", "C,")) == "loaded"
    assert ended(opd) == [True]
    assert mails(opd) == [TOLD, MAILED_OVER]


def test_full_refresh_without_a_file_ends_what_was_told_of_it(opd: ToldOpd) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS, write_disposition="merge")
    send(opd, contract, LOST)
    send(opd, contract, OTHER, "b.csv")
    assert ended(opd) == [False]
    (Path(str(opd.zone)) / contract.key / "a.csv").unlink()
    ingest(opd.loads.connection, contract, opd.settings, opd.loads.url, run_id="uji", full_refresh=True)
    assert ended(opd) == [True]


def test_row_that_another_file_corrects_is_over_and_a_warning_beside_it_is_not(opd: ToldOpd) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS, write_disposition="merge")
    send(opd, contract, CSV + "A,Ani,x\nZ,Ani,1\n")
    send(opd, contract, CSV + "C,Kel\ufffd,2024\nB,Ani,x\n", "b.csv")
    assert ended(opd) == [False, False]
    assert send(opd, contract, CSV + "A,Ani,1\nB,Ani,2\n", "c.csv") == "loaded"
    assert ended(opd) == [True, False]


def test_load_that_is_not_judged_yet_ends_nothing(opd: ToldOpd) -> None:
    """Its checks are noted after it. And the mail that says that all is over goes where something was open."""
    contract = opd.dataset("uji/data", "csv", *COLUMNS)
    send(opd, contract, CSV + "A,Ani,x\nB,Ani,1\n")
    opd.tell()
    send(opd, contract, MENDED)
    send_pending(opd.loads.connection, opd.settings, Datasets((contract,)), opd.alerts, quiet=600)
    assert ended(opd) == [True]
    assert mails(opd) == [TOLD, MAILED_OVER]


def test_good_file_that_is_put_back_ends_what_was_told_of_a_bad_one(opd: ToldOpd) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS)
    send(opd, contract, MENDED)
    opd.tell()
    assert send(opd, contract, "kode;banyak\nA;1\n") == "failed"
    assert ended(opd) == [False]
    assert send(opd, contract, MENDED) == "unchanged"
    assert ended(opd) == [True]


def test_warning_of_a_load_that_waits_stands_after_its_approval(opd: ToldOpd) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS, approval="required")
    assert send(opd, contract, LOST) == "waiting"
    assert ended(opd) == [False]
    (held,) = opd.loads.run("select max(batch_id) from ops.load_batch")
    decide(opd.loads.connection, [contract], Decision(held[0], APPROVED, "siti", "cli"))
    assert opd.load(contract) == "unchanged"
    assert ended(opd) == [False]
    assert send(opd, contract, MENDED) == "waiting"
    assert ended(opd) == [False]
    assert mails(opd) == [TOLD, MAILED_OVER]
    (held,) = opd.loads.run("select max(batch_id) from ops.load_batch")
    decide(opd.loads.connection, [contract], Decision(held[0], APPROVED, "siti", "cli"))
    assert ended(opd) == [True]


def test_warning_of_a_load_whose_place_another_took_is_over(opd: ToldOpd) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS, approval="required")
    send(opd, contract, MENDED)
    (held,) = opd.loads.run("select max(batch_id) from ops.load_batch")
    decide(opd.loads.connection, [contract], Decision(held[0], APPROVED, "siti", "cli"))
    assert send(opd, contract, LOST) == "waiting"
    assert ended(opd) == [False]
    assert send(opd, contract, MENDED) == "unchanged"
    assert ended(opd) == [True]


# -- databases and APIs, whose checks are noted here as a load of theirs notes them -----------------------------------


def load(
    opd: ToldOpd, contract: Contract, rows: Sequence[Row], *, lost: int = 0, **how: Any
) -> tuple[str, int]:
    """A load with the result of its check for lost letters. Gives its state and how many rows it has read."""
    batch = opd.loads.load(contract, lambda _, __: rows, **how)
    opd.loads.run(
        "insert into ops.check_result (run_id, batch_id, asset, check_name, severity, passed, code)"  # noqa: S608
        f" values ('uji', {batch.batch_id}, 'raw/{contract.key}', 'bita_hilang', 'warn', {not lost}, 'GDK-T017')"
    )
    return batch.state, batch.read


def table(opd: ToldOpd, *columns: dict[str, Any], **custom: Any) -> Contract:
    contract = opd.loads.contract(*columns, key="uji/tabel", server=database("UJI_URL"), **custom)
    opd.contracts[contract.key] = contract
    return contract


def test_warning_of_a_table_is_over_when_the_table_is_read_without_it(opd: ToldOpd) -> None:
    contract = table(opd, *COLUMNS)
    rows = [("A", "Kel\ufffd", "2024")]
    assert load(opd, contract, rows, lost=1) == ("loaded", 1)
    assert ended(opd) == [False]
    assert load(opd, contract, rows, lost=1) == ("unchanged", 1)
    assert ended(opd) == [False]
    assert load(opd, contract, [("A", "Kele", "2024")]) == ("loaded", 1)
    assert ended(opd) == [True]
    assert mails(opd) == [TOLD, MAILED_OVER]


def test_increment_without_a_row_ends_no_warning(opd: ToldOpd) -> None:
    changed = column("diubah", "timestamp", required=True)
    contract = table(opd, *COLUMNS, changed, write_disposition="merge", cursor="diubah", reconcile="P1D")
    rows = [("A", "Kel\ufffd", "2024", "2026-01-01 00:00:00"), ("B", "Ani", "2024", "2026-01-01 00:00:00")]
    load(opd, contract, rows, lost=1)
    assert ended(opd) == [False]
    assert load(opd, contract, []) == ("unchanged", 0)
    assert ended(opd) == [False]
    # The source has deleted the other row, which only a reading of the keys finds.
    opd.loads.run("update ops.reconciliation set reconciled_at = reconciled_at - interval '2 days'")
    batch = opd.loads.load(
        contract, lambda of, _: [] if len(of.columns) == 4 else [("A", "2026-01-01 00:00:00")]
    )
    assert (batch.state, batch.read, batch.deleted) == ("loaded", 0, 1)
    assert ended(opd) == [False]
    assert load(opd, contract, [("A", "Kele", "2024", "2026-01-02 00:00:00")]) == ("loaded", 1)
    assert ended(opd) == [True]
    assert mails(opd) == [TOLD, MAILED_OVER]


DAILY = {"column": "hari", "every": "daily", "start": "2026-01-01"}
DAYS = (
    column("kode", required=True, primaryKey=True),
    column("hari", "date", required=True),
    column("jumlah", "integer"),
)


def test_other_window_ends_no_warning(opd: ToldOpd) -> None:
    contract = table(opd, *DAYS, partition=DAILY)
    load(opd, contract, [("A", "2026-01-05", "1")], lost=1, window=JANUARY)
    assert ended(opd) == [False]
    load(opd, contract, [("B", "2026-02-05", "1")], window=FEBRUARY)
    assert ended(opd) == [False]
    assert mails(opd) == [TOLD]
    # A night reads both windows, and its last load is judged.
    load(opd, contract, [("A", "2026-01-06", "1")], window=JANUARY)
    load(opd, contract, [("B", "2026-02-06", "1")], window=FEBRUARY)
    assert ended(opd) == [True]
    assert mails(opd) == [TOLD, MAILED_OVER]


def test_newer_feedback_about_another_window_does_not_take_the_place_of_a_warning(opd: ToldOpd) -> None:
    contract = table(opd, *DAYS, partition=DAILY, max_quarantine_share=1)
    load(opd, contract, [("A", "2026-01-05", "1")], lost=1, window=JANUARY)
    opd.tell()
    load(opd, contract, [("C", "2026-02-05", "x"), ("B", "2026-02-05", "1")], window=FEBRUARY)
    assert ended(opd) == [False, False]
    load(opd, contract, [("B", "2026-02-05", "1"), ("C", "2026-02-05", "1")], window=FEBRUARY)
    assert ended(opd) == [False, True]


def test_window_that_was_refused_is_over_when_that_window_is_accepted(opd: ToldOpd) -> None:
    contract = table(opd, *DAYS, partition=DAILY)
    refuses = GateResult((CheckResult("baris", "error", False, 0, 1, "0 baris"),))
    load(opd, contract, [("A", "2026-01-05", "1")], gate=lambda _: refuses, window=JANUARY)
    assert ended(opd) == [False]
    load(opd, contract, [("B", "2026-02-05", "1")], window=FEBRUARY)
    assert ended(opd) == [False]
    load(opd, contract, [("A", "2026-01-05", "1")], window=JANUARY)
    assert ended(opd) == [True]
