"""The statement that gives the valid rows of raw, and the results of checks when no new delivery was checked."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.quality.raw_checks import LastResult, delivery_result, in_force
from tests.support.statements import ID, NAME, contract_of


@pytest.mark.parametrize(
    ("custom", "condition"),
    [
        ({}, "true"),
        ({"write_disposition": "merge", "merge_strategy": "scd2"}, "is_current"),
        ({"write_disposition": "merge", "reconcile": "P1D"}, "deleted_at is null"),
    ],
)
def test_view_in_force_has_only_current_rows_that_are_not_deleted(
    tmp_path: Path, custom: dict[str, Any], condition: str
) -> None:
    view = (
        'create temporary view "in_force" as select "id", "nama", "_source_position" from "raw"."uji__data"'
    )
    assert in_force(contract_of(tmp_path, ID, NAME, **custom)).as_string(None) == f"{view} where {condition}"


def test_last_result_is_repeated_with_its_time_and_the_reason_for_no_newer_one() -> None:
    last = LastResult(
        "karantina", "error", True, 0, 192, "0 dari 192 baris", "", "", "", datetime(2026, 3, 1, 2, 30)
    )
    result = delivery_result({"karantina": last}, "karantina", "berkas tidak berubah")
    assert (result.passed, result.unexpected, result.total) == (True, 0, 192)
    assert (
        result.description == "0 dari 192 baris (berkas tidak berubah; hasil 2026-03-01 02:30 tetap berlaku.)"
    )


def test_last_result_of_a_window_names_the_window() -> None:
    last = LastResult(
        "karantina", "error", True, 0, 192, "0 dari 192 baris", "", "", "", datetime(2026, 3, 3, 2, 30),
        start=date(2026, 3, 1), end=date(2026, 3, 2),
    )  # fmt: skip
    assert last.result("pemuatan gagal").note == (
        "pemuatan gagal; hasil jendela 2026-03-01 s.d. 2026-03-02 pada 2026-03-03 02:30 tetap berlaku."
    )


def test_delivery_check_passes_before_the_first_delivery() -> None:
    result = delivery_result({}, "karantina", "belum ada berkas di zona unggah")
    assert result.passed
    assert result.message == "Belum ada kiriman yang diperiksa: belum ada berkas di zona unggah."
