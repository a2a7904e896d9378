"""The rows of raw that are in force, as a statement, and what a check says when nothing new was checked."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.quality.raw_checks import LastResult, delivery_result, in_force
from tests.support.contracts import column, database, document, make


def contract(folder: Path, **custom: Any) -> Contract:
    columns = [column("id", "integer", primaryKey=True), column("nama")]
    return make(
        folder,
        document("dagang/pasar", columns, database("URL"), extract={"table": "sumber"}, **custom),
    )


@pytest.mark.parametrize(
    ("custom", "condition"),
    [
        ({}, "true"),
        ({"write_disposition": "merge", "merge_strategy": "scd2"}, "is_current"),
        ({"write_disposition": "merge", "reconcile": "P1D"}, "deleted_at is null"),
    ],
)
def test_rows_in_force(tmp_path: Path, custom: dict[str, Any], condition: str) -> None:
    view = 'create temporary view "in_force" as select "id", "nama" from "raw"."dagang__pasar"'
    assert in_force(contract(tmp_path, **custom)).as_string(None) == f"{view} where {condition}"


def test_a_result_of_before_says_when_it_was_found_and_why_there_is_no_newer_one() -> None:
    last = LastResult("karantina", "error", True, 0, 192, "0 dari 192 baris", datetime(2026, 3, 1, 2, 30))
    result = delivery_result({"karantina": last}, "karantina", "berkas tidak berubah")
    assert (result.passed, result.unexpected, result.total) == (True, 0, 192)
    assert result.message == "0 dari 192 baris (berkas tidak berubah; hasil 2026-03-01 02:30 tetap berlaku.)"


def test_a_check_of_deliveries_passes_before_the_first_one() -> None:
    result = delivery_result({}, "karantina", "belum ada berkas di zona unggah")
    assert result.passed
    assert result.message == "Belum ada kiriman yang diperiksa: belum ada berkas di zona unggah."
