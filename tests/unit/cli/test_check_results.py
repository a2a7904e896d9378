"""What `gudang check` prints of results."""

from __future__ import annotations

from io import StringIO

from pipelines.cli.data.check import print_results
from pipelines.quality.results import CheckResult, Sample
from pipelines.runtime.terminal import Terminal


def printed(*results: CheckResult) -> str:
    out = StringIO()
    print_results(results, Terminal(file=out, width=100))
    return out.getvalue()


def test_each_rule_is_a_line_and_a_broken_one_has_its_evidence() -> None:
    broken = CheckResult(
        "rentang_nilai", "error", False, 1, 9, "1 dari 9 baris menyimpang", "expect_column_values_to_be_between",
        query="select id, nilai\nfrom raw.uji__data", sample=Sample(("id", "nilai"), (("7", None),)),
    )  # fmt: skip
    text = printed(CheckResult("ada_baris", "error", True, 0, 9, "9 baris"), broken)
    lines = [line.split() for line in text.splitlines()]
    assert lines[:3] == [
        ["lulus", "ada_baris", "9", "baris"],
        ["GAGAL", "rentang_nilai", "1", "dari", "9", "baris", "menyimpang"],
        ["kode", "GDK-T004"],
    ]
    assert lines[4] == ["7", "(kosong)"]
    assert "  from raw.uji__data" in text
    assert text.splitlines()[-1] == "1 lulus, 1 GAGAL"


def test_a_broken_rule_that_only_warns_is_a_warning() -> None:
    assert printed(CheckResult("a", "warn", False, message="Sedikit.")).split()[:3] == [
        "peringatan",
        "a",
        "Sedikit.",
    ]
