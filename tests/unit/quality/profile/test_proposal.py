"""Figures of a sample, and the suite that they suggest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.contracts.model import Contract
from pipelines.quality.profile.figures import figures, shape_of
from pipelines.quality.profile.proposal import pattern_of, proposed_suite
from pipelines.quality.profile.sample import sample_query
from pipelines.quality.suites import written
from tests.support.contracts import column
from tests.support.statements import contract_of

ROWS = 40


def proposed(contract: Contract, **values: list[Any]) -> dict[str, dict[str, Any]]:
    """The proposed expectations by name."""
    frame = pd.DataFrame(values)
    document = proposed_suite(contract, figures(contract, frame), frame)
    return {entry["meta"]["nama"]: entry for entry in document["expectations"]}


@pytest.mark.parametrize(
    ("text", "shape", "pattern"),
    [
        ("64.72.01", "99.99.99", r"^[0-9]{2}\.[0-9]{2}\.[0-9]{2}$"),
        ("Samarinda ULU", "Aa A", r"^[[:alpha:]]+\ [[:alpha:]]+$"),
        ("KT-12", "A-99", r"^[[:alpha:]]+\-[0-9]{2}$"),
    ],
)
def test_texts_have_a_shape_and_a_shape_has_a_pattern(text: str, shape: str, pattern: str) -> None:
    assert shape_of(text) == shape
    assert pattern_of(shape) == pattern


def test_a_range_is_wider_than_what_was_seen_and_not_below_zero(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, column("nilai", "integer", required=True))
    found = proposed(contract, nilai=list(range(100, 100 + ROWS)))
    assert found["rentang_nilai"]["kwargs"] == {"column": "nilai", "min_value": 0, "max_value": 160}
    assert found["rentang_nilai"]["severity"] == "warning"


def test_what_the_contract_says_already_is_not_proposed(tmp_path: Path) -> None:
    bounded = column("nilai", "integer", required=True, logicalTypeOptions={"maximum": 500})
    assert proposed(contract_of(tmp_path, bounded), nilai=list(range(ROWS))) == {}


def test_few_values_are_a_classification_and_one_shape_is_a_pattern(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, column("arah", required=True), column("kode", required=True))
    found = proposed(contract, arah=["masuk", "keluar"] * 20, kode=[f"A{n:02}" for n in range(ROWS)])
    assert found["nilai_arah"]["kwargs"]["value_set"] == ["keluar", "masuk"]
    assert found["pola_kode"]["kwargs"]["regex"] == "^[[:alpha:]]+[0-9]{2}$"


def test_a_date_that_never_comes_before_another_is_proposed_as_a_pair(tmp_path: Path) -> None:
    contract = contract_of(
        tmp_path, column("mulai", "date", required=True), column("selesai", "date", required=True)
    )
    days = pd.date_range("2026-01-01", periods=ROWS)
    found = proposed(contract, mulai=list(days), selesai=list(days + pd.Timedelta(days=3)))
    assert list(found) == ["selesai_sesudah_mulai"]


def test_closed_columns_give_only_the_share_of_empty_cells(tmp_path: Path) -> None:
    contract = contract_of(
        tmp_path,
        column("gaji", "integer", classification="terbatas"),
        column("kota", classification="pribadi", pseudonymise="orang"),
    )
    query = sample_query(contract, 100).as_string(None)
    assert query.startswith('select case when "gaji" is not null then true end as "gaji", case when "kota"')
    frame = pd.DataFrame({"gaji": [True] * 39 + [None], "kota": [True] * 20 + [None] * 20})
    found = figures(contract, frame)
    assert [(f.empty, f.open, f.low, f.frequent, f.shapes) for f in found] == [
        (1, False, None, (), ()),
        (20, False, None, (), ()),
    ]
    assert [e["meta"]["nama"] for e in proposed_suite(contract, found, frame)["expectations"]] == [
        "terisi_gaji"
    ]


def test_the_proposal_is_a_suite_that_can_be_read(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, column("nilai", "integer"))
    frame = pd.DataFrame({"nilai": [*range(ROWS - 1), None]})
    path = tmp_path / "uji" / "data.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(proposed_suite(contract, figures(contract, frame), frame)))
    assert [e.name for e in written(path)] == ["terisi_nilai", "rentang_nilai"]
