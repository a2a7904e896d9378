"""A preview ends in time, and what files may take together fits into the memory of the service."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.loket.pages import CHECKERS, SENDERS
from pipelines.loket.uploads import LIMITS, preview
from pipelines.settings import PROJECT_ROOT
from tests.support.contracts import column, document, make, upload

PAGE = 400 << 20
"""What the page itself may take, in bytes."""


def test_a_preview_that_takes_too_long_shows_what_it_has(tmp_path: Path) -> None:
    extract = {"format": "csv", "pattern": "*.csv"}
    contract = make(tmp_path, document("uji/data", [column("n")], upload("uji/data", "csv"), extract=extract))
    path = tmp_path / "data.csv"
    path.write_text("n\n" + "isi yang panjang sekali\n" * 200_000)
    whole, short = (
        preview(tmp_path, contract, path, path.name),
        preview(tmp_path, contract, path, path.name, 0),
    )
    assert (whole.rows, whole.to_end) == (200_000, True)
    assert 0 < short.rows < 200_000 and not short.to_end


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("systemd/root/etc/systemd/system/gudang-loket.service", r"MemoryMax=(\d+)G"),
        ("compose/compose.yaml", r"gudang loket .*\n +mem_limit: (\d+)g"),
        ("kubernetes/loket.yaml", r"limits: {memory: (\d+)Gi}"),
    ],
)
def test_all_files_that_are_read_at_a_time_fit_into_the_memory_of_the_service(
    file: str, pattern: str
) -> None:
    (most,) = re.findall(pattern, (PROJECT_ROOT / "deploy" / file).read_text("utf-8"))
    assert (CHECKERS + SENDERS) * LIMITS.memory + PAGE <= int(most) << 30


def test_a_reader_that_takes_too_much_ends_alone() -> None:
    unit = PROJECT_ROOT / "deploy/systemd/root/etc/systemd/system/gudang-loket.service"
    assert "\nOOMPolicy=continue\n" in unit.read_text("utf-8")
