"""Messages for rows and lines that are far too long, and escapes."""

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
from tests.support.uploads import content_error

AB = contract("a", "b")


def test_too_long_line_is_refused_as_such(tmp_path: Path) -> None:
    error = content_error(tmp_path, "a,b\n1," + "x" * MAX_ROW + "\n", AB)
    assert "baris 2: baris ini terlalu panjang: satu baris paling banyak 16,777,216 karakter" in error.message


def test_json_in_one_line_is_refused_as_too_long_with_a_hint(tmp_path: Path) -> None:
    error = content_error(tmp_path, json.dumps([{"a": "x" * 100, "b": 1}] * 160_000), AB)
    assert "baris 1: baris ini terlalu panjang" in error.message
    assert "format: json" in str(error.hint)


def test_unclosed_quote_over_the_limit_is_refused_as_such(tmp_path: Path) -> None:
    error = content_error(tmp_path, 'a,b\n1,"x\n' + "yy\n" * (MAX_ROW // 3 + 1), AB)
    assert 'baris 2: tanda kutip (") dibuka di baris ini dan tidak ditutup' in error.message


def escaped(text: str) -> str:
    return "".join("\\" + sign if sign in '\\",\n\r' else sign for sign in text)


TEXTS = st.text(st.sampled_from('ab \\",\n\rN'), max_size=8)


@given(st.lists(st.tuples(TEXTS, st.none() | TEXTS), min_size=1))
def test_escapes_of_mysql_are_read_back(rows: list[tuple[str, str | None]]) -> None:
    text = "".join(
        ",".join("\\N" if cell is None else f'"{escaped(cell)}"' for cell in row) + "\n" for row in rows
    )
    lines = iter(text.splitlines(keepends=True))
    found = list(Dialect("utf-8", ",", '"', "\\").reader(lines))
    assert found == [["" if cell is None else cell for cell in row] for row in rows]


def test_unicode_noncharacter_is_refused_as_damage(tmp_path: Path) -> None:
    assert "rusak" in content_error(tmp_path, "a,b\n1,\ufdd1\n", contract("a", "b", escape="\\")).message


@pytest.mark.parametrize(
    ("extract", "message"),
    [
        ({"escape": "\\\\"}, "bukan satu karakter tersendiri"),
        ({"escape": ","}, "bukan satu karakter tersendiri"),
        ({"escape": "\\", "delimiter": "auto"}, "escape memerlukan delimiter"),
        ({"escape": "\\", "quote": "row"}, "escape memerlukan delimiter"),
        ({"hidden": "buang"}, "hidden tidak berlaku"),
    ],
)
def test_invalid_extract_is_refused(extract: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        contract("a", "b", **extract)


@pytest.mark.parametrize("extract", [{"fill_down": ["c"]}, {"totals": {"c": "^Jumlah"}}])
def test_extract_with_an_unknown_column_is_refused_unless_the_contract_evolves(extract: Any) -> None:
    with pytest.raises(ContractError, match="'c' bukan kolom kontrak"):
        contract("a", "b", **extract)
    assert contract("a", "b", schema_contract="evolve", **extract)
