"""What a person is told who confirms a value."""

from __future__ import annotations

from pathlib import Path

from pipelines.feedback.confirm import when_accepted
from tests.support.contracts import column
from tests.support.statements import contract_of


def test_rows_of_past_windows_wait_for_a_backfill(tmp_path: Path) -> None:
    columns = (column("id", "integer"), column("hari", "date"))
    assert "pemuatan berikutnya" in when_accepted(contract_of(tmp_path / "satu", *columns))
    partition = {"column": "hari", "every": "daily", "start": "2025-01-01"}
    windows = contract_of(tmp_path / "dua", *columns, partition=partition)
    assert "pengisian ulang" in when_accepted(windows)
