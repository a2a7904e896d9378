"""JSON and NDJSON files as COPY text: which records are found, exact values, and what is refused."""

from __future__ import annotations

import json
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import ShapeError
from pipelines.extract.upload import json_file
from pipelines.extract.upload.limits import Limits
from tests.support.extracts import column
from tests.support.extracts import upload_contract as contract
from tests.support.uploads import content_error, opened, read, write

AB = contract("a", "b", file_format="json")
LINES = contract("a", "b", file_format="ndjson")
EVOLVING = contract("a", "b", file_format="json", schema_contract="evolve")


def test_records_are_found_by_pointer_and_their_position_is_their_number(tmp_path: Path) -> None:
    of = contract("a", "b", file_format="json", records="/hasil/1/da~1ta")
    text = '{"total": 12.5, "hasil": [[1, {"x": "]}"}], {"lain": null, "da/ta": [{"a": "x", "b": 1}, {"b": null, "a": ""}], "akhir": [{}]}], "z": {}}'
    stream = opened(of, write(tmp_path, text, "data.json"))
    assert read(stream) == [["x", "1", "rekaman 1"], ["", None, "rekaman 2"]]
    assert stream.shape == {"a": "", "b": ""}
    assert stream.warnings == []


def test_each_line_of_ndjson_is_a_record(tmp_path: Path) -> None:
    stream = opened(LINES, write(tmp_path, '{"a":1,"b":2}\r\n\n{"b":4,"a":3}', "data.ndjson"))
    assert read(stream) == [["1", "2", "baris 1"], ["3", "4", "baris 3"]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encoding_of_the_byte_order_mark_is_used(tmp_path: Path, encoding: str) -> None:
    assert read(opened(AB, write(tmp_path, '[{"a":"é","b":1}]'.encode(encoding))))[0][0] == "é"


def test_values_keep_their_exact_text(tmp_path: Path) -> None:
    for value in ("1.10", "-0.0", "1e400", "123456789012345678901234567890.123456789", "9" * 5_000):
        assert read(opened(AB, write(tmp_path, f'[{{"a":{value},"b":true}}]'))) == [
            [value, "true", "rekaman 1"]
        ]


def test_nested_value_is_json_and_its_parts_are_read_by_dotted_path(tmp_path: Path) -> None:
    of = contract(column("nama", "pemohon.nama"), "lain", file_format="json")
    text = '[{"pemohon": {"nama": "X"}, "lain": [1.50, {"y": null}]}, {"pemohon": null, "lain": 1}]'
    assert read(opened(of, write(tmp_path, text))) == [
        ["X", '[1.50,{"y":null}]', "rekaman 1"],
        [None, "1", "rekaman 2"],
    ]


def test_unknown_key_is_refused_for_a_frozen_dataset_also_late_in_the_file(tmp_path: Path) -> None:
    error = content_error(tmp_path, '[{"a":1,"b":2,"c":3}]', AB)
    assert isinstance(error, ShapeError)
    assert "tidak dikenal di rekaman: c" in error.message
    late = '{"a":1,"b":2}\n' * 1_500 + '{"a":1,"b":2,"c":3}\n'
    assert "baris 1501: tidak dikenal di rekaman: c" in content_error(tmp_path, late, LINES).message


def test_unknown_keys_of_an_evolving_dataset_go_to_extra(tmp_path: Path) -> None:
    text = '[{"a":1,"b":2,"c":1.50,"d":null,"e":{"f":[1.0,"\\u0000"]}},{"a":3,"b":4}]'
    stream = opened(EVOLVING, write(tmp_path, text))
    first, second = read(stream)
    assert second == ["3", "4", None, "rekaman 2"]
    assert first[2] == '{"c":"1.50","d":null,"e":{"f":[1.0,"\ufffd"]}}'
    assert stream.shape == dict.fromkeys("abcde", "")
    assert stream.warnings == ["data.csv: kolom yang tidak ada di kontrak, disimpan di _extra: c, d, e"]


def test_missing_key_is_refused_or_warned_of_as_the_contract_says(tmp_path: Path) -> None:
    error = content_error(tmp_path, '[{"a":1},{"a":2}]', AB)
    assert isinstance(error, ShapeError)
    assert "2 rekaman pertama: tidak ada di rekaman: b" in error.message
    stream = opened(EVOLVING, write(tmp_path, '[{"a":1}]'))
    assert read(stream) == [["1", None, None, "rekaman 1"]]
    assert stream.warnings == ["data.csv: kolom yang dijanjikan tidak ada lagi, sejak kini NULL: b"]


def test_key_of_only_some_records_is_null_in_the_others(tmp_path: Path) -> None:
    assert [r[1] for r in read(opened(AB, write(tmp_path, '[{"a":1},{"a":2,"b":3}]')))] == [None, "3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"a":1,"b":2},{"a":', "rekaman 1 atau sesudahnya: terpotong"),
        ('[{"a":1,"b":2}', "terpotong"),
        ('[{"a":1,"b":2}] x', "ada teks sesudah akhir JSON"),
        ('[{"a":1,"b":2} {"a":1,"b":2}]', "seharusnya ','"),
        ('[{"a":1,"b":2},]', "terpotong, atau bukan JSON"),
        ('[{"a":1,"b":NaN}]', "NaN bukan angka JSON"),
        ('[{"a":1,"b":2,"b":3}]', "punya kunci ganda"),
        ("[1, 2]", "rekaman ini bukan objek"),
        ('{"data": []}', "tidak ada daftar"),
        ('{"a": 1', "tidak ada daftar"),
        ("[]", "tidak ada rekaman di dalamnya"),
        ("   ", "tidak ada daftar"),
        ("a,b\n1,2\n", "tidak ada daftar"),
        ('[{"a":' + "[" * 100_000, "bersarang terlalu dalam"),
    ],
)
def test_invalid_or_truncated_json_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert message in content_error(tmp_path, text, AB).message


def test_pointer_without_records_is_refused(tmp_path: Path) -> None:
    of = contract("a", file_format="json", records="/data/rows")
    assert "tidak ada 'rows'" in content_error(tmp_path, '{"data": {"row": []}}', of).message
    assert "tidak ada 'data'" in content_error(tmp_path, "[]", of).message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"a":1,"b":2}\n{"a":1,"b"\n', "baris 2 bukan satu nilai JSON yang utuh"),
        (b'{"a":1,"b":2}\n[1]\n', "bukan objek"),
        (b'{"a":1,"b":"\xff"}\n', "byte-nya bukan utf-8"),
        (b"\n\n", "tidak ada rekaman di dalamnya"),
    ],
)
def test_line_of_ndjson_that_is_no_record_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    assert message in content_error(tmp_path, text, LINES).message


def test_lone_surrogates_and_nul_become_replacement_characters(tmp_path: Path) -> None:
    rows = read(opened(AB, write(tmp_path, r'[{"a":"x\ud800y","b":["\udfff"]},{"a":"x\u0000y","b":1}]')))
    assert rows == [["x\ufffdy", '["\ufffd"]', "rekaman 1"], ["x\ufffdy", "1", "rekaman 2"]]


BOTH = pytest.mark.parametrize("file_format", ["json", "ndjson"])


def only_row(folder: Path, record: str, *columns: Any, file_format: str, **more: str) -> list[str | None]:
    """The cells of a file with one record."""
    text = record if file_format == "ndjson" else f"[{record}]"
    (row,) = read(opened(contract(*columns, file_format=file_format, **more), write(folder, text)))
    return row[:-1]


@BOTH
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("9" * 5_000, "9" * 5_000),
        ("36893488147419103232", "36893488147419103232"),
        ("1e400", "1e400"),
        (r'"\ud83d\ude00 \ud83d"', "\U0001f600 \ufffd"),
        (r'"\\ud83d \u0000"', "\\ud83d \ufffd"),
        (r'{"a": "\u0000", "b": [1.50, "\\u0000", "\ud800"]}', '{"a":"\ufffd","b":[1.50,"\\\\u0000","\ufffd"]}'),
        (r'": {\"a\":1,\"a\":2}"', ': {"a":1,"a":2}'),
    ],
)  # fmt: skip
def test_value_of_a_file_is_kept_exactly_like_one_of_an_api(
    tmp_path: Path, file_format: str, given: str, kept: str
) -> None:
    assert only_row(tmp_path, f'{{"a": {given}}}', "a", file_format=file_format) == [kept]


@BOTH
@pytest.mark.parametrize(
    ("record", "message"),
    [
        ('{"a": {"x": 1, "x": 2}}', "sebuah objek punya kunci ganda"),
        ('{"a" : 1, "a" : 2}', "sebuah objek punya kunci ganda"),
        ('{"a": NaN}', "NaN bukan angka JSON"),
        ('{"a": -Infinity}', "-Infinity bukan angka JSON"),
        ('{"a": 1, "p": {"x": 2}, "p.x": 3}', "1: p.x ganda, sebagai kunci dan sebagai bagian objek"),
    ],
)
def test_value_that_cannot_be_kept_is_refused(
    tmp_path: Path, file_format: str, record: str, message: str
) -> None:
    of = contract("a", column("x", "p.x"), file_format=file_format)
    text = record if file_format == "ndjson" else f"[{record}]"
    assert message in content_error(tmp_path, text, of).message


def test_unread_part_of_an_object_is_unknown_unless_the_object_is_read(tmp_path: Path) -> None:
    record = '{"p": {"nama": "x", "rt": 1}}'
    nama = column("nama", "p.nama")
    assert (
        "tidak dikenal di rekaman: p.rt"
        in content_error(tmp_path, f"[{record}]", contract(nama, file_format="json")).message
    )
    assert only_row(tmp_path, record, nama, "p", file_format="json") == ["x", '{"nama":"x","rt":1}']
    evolved = only_row(tmp_path, record, nama, file_format="json", schema_contract="evolve")
    assert evolved == ["x", '{"p.rt":"1"}']


def test_file_name_can_be_a_column_and_is_not_in_the_shape(tmp_path: Path) -> None:
    of = contract("a", column("berkas", "@file"), file_format="ndjson")
    stream = opened(of, write(tmp_path, '{"a": 1}', "x.ndjson"))
    assert read(stream) == [["1", "x.ndjson", "baris 1"]]
    assert stream.shape == {"a": ""}


def test_too_many_different_keys_are_refused(tmp_path: Path) -> None:
    of = contract("a", file_format="ndjson", schema_contract="evolve")
    text = "\n".join(json.dumps({"a": 1, f"k{n}": 2}) for n in range(2_000))
    assert "lebih dari 1600 kunci yang berbeda" in content_error(tmp_path, text, of).message


def test_memory_does_not_grow_with_a_large_json(tmp_path: Path) -> None:
    record = json.dumps({"a": "x" * 500, "b": 1})
    path = write(tmp_path, '{"lain": [1, 2], "data": [' + ",\n".join([record] * 40_000) + "]}")
    stream = opened(contract("a", "b", file_format="json", records="/data"), path)
    tracemalloc.start()
    for _ in stream.blocks:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stream.rows == 40_000
    assert peak < 6_000_000 < path.stat().st_size


@pytest.mark.parametrize(
    "text", ['{"a":"' + "x" * 20_000_000 + '","b":1}', '[{"a":"' + "x" * 20_000_000 + '"']
)
def test_endless_record_is_refused(tmp_path: Path, text: str) -> None:
    of = LINES if text.startswith("{") else AB
    assert f"{json_file.MAX_RECORD:,} karakter" in content_error(tmp_path, text, of).message


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('xyz,:[]{}"\\', max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.lists(st.fixed_dictionaries({"a": VALUES, "b": VALUES}), min_size=1, max_size=20),
    st.sampled_from([None, 1]),
    st.integers(1, 40),
)
def test_records_are_read_exactly_whatever_the_size_of_the_window(
    tmp_path_factory: pytest.TempPathFactory, objects: list[dict[str, Any]], indent: int | None, window: int
) -> None:
    path = write(tmp_path_factory.mktemp("json"), json.dumps({"x": objects, "data": objects}, indent=indent))
    of = contract("a", "b", file_format="json", records="/data")
    rows = read(opened(of, path, Limits(json_window=window)))
    assert len(rows) == len(objects)
    for row, record in zip(rows, objects, strict=True):
        for cell, value in zip(row, (record["a"], record["b"]), strict=False):
            kept = json.loads(re.sub(r"\\(u0000|.)", without_nul, json.dumps(value)))
            assert (cell if isinstance(value, str) or cell is None else json.loads(cell)) == kept


def without_nul(escape: re.Match[str]) -> str:
    return "\\ufffd" if escape[1] == "u0000" else escape[0]
