"""Whether a load passes, and the checks of a load that no suite contains."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.load.ledger import Batch
from pipelines.load.loader import Staged
from pipelines.quality.gate import GateResult, quarantine_share, source_shape, warning_checks, warning_results
from pipelines.quality.results import CheckResult
from tests.support.statements import CHANGED, ID, contract_of


def test_a_load_passes_unless_a_check_of_severity_error_failed() -> None:
    good, warned = CheckResult("a", "error", True), CheckResult("b", "warn", False, message="Sedikit.")
    bad, worse = (CheckResult(n, "error", False, message=f"Salah {n}.") for n in "cd")
    assert GateResult((good, warned)).passed and GateResult((good, warned)).summary == ""
    stopped = GateResult((good, bad, warned, worse))
    assert not stopped.passed
    assert stopped.summary == "c: Salah c.; d: Salah d."


@pytest.mark.parametrize(
    ("read", "refused", "passed", "text"),
    [
        (0, 0, True, "0 dari 0 baris dikarantina (0%, batas 2%)"),
        (192, 0, True, "0 dari 192 baris dikarantina (0%, batas 2%)"),
        (1500, 30, True, "30 dari 1.500 baris dikarantina (2%, batas 2%)"),
        (1500, 31, False, "31 dari 1.500 baris dikarantina (2,1%, batas 2%)"),
    ],
)
def test_quarantine_check_fails_above_the_limit_of_the_contract(
    tmp_path: Path, read: int, refused: int, passed: bool, text: str
) -> None:
    limited = contract_of(tmp_path, ID, max_quarantine_share=0.02)
    result = quarantine_share(Staged(limited, 1, "landing", "data", read, read - refused, refused))
    assert result == CheckResult("karantina", "error", passed, refused, read, text)


def test_source_with_unchanged_columns_passes_the_shape_check(tmp_path: Path) -> None:
    result = source_shape(contract_of(tmp_path, ID), [])
    assert (result.passed, result.message) == (True, "0 perubahan kolom sejak pemuatan sebelumnya")


def test_source_with_changed_columns_fails_and_names_them(tmp_path: Path) -> None:
    result = source_shape(contract_of(tmp_path, ID), ["kolom a hilang", "kolom b baru"])
    assert (result.passed, result.severity, result.unexpected) == (False, "error", 2)
    assert result.message == "Bentuk sumber berubah: kolom a hilang, kolom b baru."


def test_rows_with_lost_letters_are_counted_and_warned_of(tmp_path: Path) -> None:
    dataset = contract_of(tmp_path, ID)
    (good,) = warning_results(dataset, Batch(1, "uji/data", read=1204))
    assert (good.name, good.passed) == ("bita_hilang", True)
    assert good.message == "0 dari 1.204 baris memuat bita yang tidak terbaca sebagai huruf"
    (bad,) = warning_results(dataset, Batch(1, "uji/data", read=1204, damaged=2))
    assert (bad.passed, bad.severity, bad.unexpected) == (False, "warn", 2)
    assert bad.message.startswith("2 baris memuat bita yang tidak terbaca sebagai huruf")


def test_rows_that_no_incremental_load_reaches_are_counted_and_warned_of(tmp_path: Path) -> None:
    incremental = contract_of(tmp_path, ID, CHANGED, write_disposition="merge", cursor="diubah")
    assert [name for name, _ in warning_checks(incremental)] == [
        "bita_hilang",
        "baris_tak_terjangkau",
        "jumlah_baris_wajar",
    ]
    _, good = warning_results(incremental, Batch(1, "uji/data", read=10, unreachable=0))
    assert (good.passed, good.message) == (True, "0 baris sumber tanpa diubah")
    _, bad = warning_results(incremental, Batch(1, "uji/data", read=10, unreachable=3))
    assert (bad.passed, bad.severity, bad.unexpected) == (False, "warn", 3)
    assert bad.message.startswith("3 baris sumber tidak punya diubah yang dapat dibandingkan")
