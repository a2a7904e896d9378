"""How numbers of JSON, APIs and Parquet are written for the column that receives them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.extract.json.records import Fields
from pipelines.extract.json.values import parse
from pipelines.extract.number_forms import as_code, with_comma
from tests.support.extracts import api_contract, column


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("6402014105900010.0", "6.40201410590001E+15"),
        ("6.40201410590001e+15", "6.40201410590001E+15"),
        ("-1E18", "-1E+18"),
        ("999999999999999.5", "999999999999999.5"),
        ("1e400", "1e400"),
        ("0.1", "0.1"),
        ("nan", "nan"),
        ("inf", "inf"),
    ],
)
def test_double_of_more_than_15_digits_is_written_with_an_exponent(text: str, code: str) -> None:
    assert as_code(text) == code


def test_decimal_point_becomes_a_comma_for_indonesian_repairs() -> None:
    assert with_comma("-1.234") == "-1,234"


def test_number_of_an_api_is_written_for_its_column_and_a_text_is_unchanged() -> None:
    number = replace(column("b"), type="numeric", parse=("angka_id",))
    fields = Fields(api_contract("a", number, "c"), {})
    record = parse(b'{"a": 6402014105900010.0, "b": 1.234, "c": 6402014105900011}')
    assert fields.cells(record) == ["6.40201410590001E+15", "1,234", "6402014105900011"]
    assert fields.cells(parse(b'{"a": "1e16", "b": "1.234", "c": 1.5}')) == ["1e16", "1.234", "1.5"]
