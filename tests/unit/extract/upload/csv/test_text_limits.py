"""Rows and lines that are far too long, escapes at the edges: what is said of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import ContractError
from pipelines.extract.upload.csv.text import MAX_ROW, Dialect
from tests.support.extracts import upload_contract as contract
from tests.support.uploads import refusal

AB = contract("a", "b")


def test_a_line_that_is_too_long_is_called_so(tmp_path: Path) -> None:
    error = refusal(tmp_path, "a,b\n1," + "x" * MAX_ROW + "\n", AB)
    assert "baris 2: baris ini terlalu panjang: satu baris paling banyak 16,777,216 karakter" in error.message


def test_a_file_of_one_line_is_called_so_too(tmp_path: Path) -> None:
    error = refusal(tmp_path, json.dumps([{"a": "x" * 100, "b": 1}] * 160_000), AB)
    assert "baris 1: baris ini terlalu panjang" in error.message
    assert "format: json" in str(error.hint)


def test_a_quote_that_is_never_closed_is_called_so(tmp_path: Path) -> None:
    error = refusal(tmp_path, 'a,b\n1,"x\n' + "yy\n" * (MAX_ROW // 3 + 1), AB)
    assert 'baris 2: tanda kutip (") dibuka di baris ini dan tidak ditutup' in error.message


def escaped(text: str) -> str:
    return "".join("\\" + sign if sign in '\\",\n\r' else sign for sign in text)


TEXTS = st.text(st.sampled_from('ab \\",\n\rN'), max_size=8)


@given(st.lists(st.tuples(TEXTS, st.none() | TEXTS), min_size=1))
def test_what_mysql_escapes_comes_back_as_it_was(rows: list[tuple[str, str | None]]) -> None:
    text = "".join(
        ",".join("\\N" if cell is None else f'"{escaped(cell)}"' for cell in row) + "\n" for row in rows
    )
    lines = iter(text.splitlines(keepends=True))
    found = list(Dialect("utf-8", ",", '"', "\\").reader(lines))
    assert found == [["" if cell is None else cell for cell in row] for row in rows]


def test_a_noncharacter_is_no_escaped_sign(tmp_path: Path) -> None:
    assert "rusak" in refusal(tmp_path, "a,b\n1,\ufdd1\n", contract("a", "b", escape="\\")).message


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"escape": "\\\\"}, "bukan satu karakter tersendiri"),
        ({"escape": ","}, "bukan satu karakter tersendiri"),
        ({"escape": "\\", "delimiter": "auto"}, "escape memerlukan delimiter"),
        ({"escape": "\\", "quote": "row"}, "escape memerlukan delimiter"),
        ({"skipinitialspace": "ya"}, "bukan true atau false"),
        ({"hidden": "buang"}, "hidden tidak berlaku"),
        ({"fill_down": "a"}, "bukan daftar nama"),
    ],
)
def test_words_of_a_contract_that_mean_nothing_are_refused(words: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        contract("a", "b", **words)


@pytest.mark.parametrize("words", [{"fill_down": ["c"]}, {"totals": {"c": "^Jumlah"}}])
def test_a_column_that_the_contract_does_not_have_is_refused_before_any_file_comes(words: Any) -> None:
    with pytest.raises(ContractError, match="'c' bukan kolom kontrak"):
        contract("a", "b", **words)
    assert contract("a", "b", schema_contract="evolve", **words)
