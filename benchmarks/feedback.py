"""Feedback of refused rows: an OPD's own file, marked, with all findings, against writing the same CSV bare.

What belongs here: a load of which a tenth of the rows is refused, and building what its OPD gets. Not here: the rows
(rows.py), which files there are (pipelines/feedback/pack/).
"""

from __future__ import annotations

import csv
import os
import tempfile
import time
from pathlib import Path

from benchmarks import rows as data
from benchmarks.target import Figures, empty_target, figures
from pipelines.extract.upload.files import put_upload
from pipelines.feedback.entries import findings_of_load
from pipelines.feedback.loads import load_of
from pipelines.feedback.pack.build import build
from pipelines.ingest import ingest
from pipelines.load import prepare
from pipelines.settings import Settings

MANY = 10
"""Every so many-th row is refused: its `jumlah` is over the bound of the contract."""
_BOUND = 100_000 - 100_000 // MANY - 1


def limit_feedback(settings: Settings, rows: int) -> Figures:
    """Reads the CSV file and writes it anew, with Python's own reader and writer."""
    source = Path(os.environ["BENCH_FOLDER"]) / f"{rows}.csv"
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        with (
            source.open(newline="") as reading,
            (Path(folder) / "salinan.csv").open("w", newline="") as writing,
        ):
            csv.writer(writing).writerows(csv.reader(reading))
        return figures(start)


def gudang_feedback(settings: Settings, rows: int) -> Figures:
    """The marked CSV, the workbooks, the list of findings, the page and the summary. The load is not counted."""
    source = Path(os.environ["BENCH_FOLDER"]) / f"{rows}.csv"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        contract = data.upload_contract(
            folder, "csv", {"jumlah": {"logicalTypeOptions": {"maximum": _BOUND}}}, max_quarantine_share=1
        )
        connection = empty_target(settings)
        prepare.prepare(connection, [])
        zone, work = folder / "unggahan", folder / "umpan_balik"
        put_upload(zone, contract.key, source)
        os.environ["GUDANG_UPLOAD_ZONE"] = str(zone)
        done = ingest(connection, contract, settings, data.url(settings, "bench_sasaran"), run_id="bench")
        assert done.batch is not None and done.batch.quarantined == rows // MANY, done.batch
        connection.execute("analyze quarantine.row; checkpoint")
        work.mkdir()
        start = time.perf_counter()
        load = load_of(connection, [contract], done.batch.batch_id)
        summary = build(connection, zone, load, findings_of_load(connection, load), work)
        measured = figures(start)
        assert summary.open == rows // MANY, summary.open
        return measured | {"rows": summary.open}
