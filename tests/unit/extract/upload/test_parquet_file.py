"""Parquet files as COPY text: exact values, columns, and damage."""

from __future__ import annotations

import datetime as dt
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import ShapeError, SourceError
from tests.support.extracts import upload_contract as contract
from tests.support.uploads import content_error, opened, read, read_error, write

AB = contract("a", "b", file_format="parquet")


def parquet(folder: Path, **columns: Any) -> Path:
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), folder / "data.parquet", row_group_size=2)
    return folder / "data.parquet"


def test_columns_have_the_order_of_the_contract_over_all_row_groups(tmp_path: Path) -> None:
    stream = opened(AB, parquet(tmp_path, b=["x", None, ""], a=[1, 2, 3]))
    assert read(stream) == [["1", "x", "baris 1"], ["2", None, "baris 2"], ["3", "", "baris 3"]]
    assert (stream.rows, stream.shape) == (3, {"b": "", "a": ""})


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (pa.array([Decimal("0.00000001")], pa.decimal128(20, 8)), "0.00000001"),
        (pa.array([Decimal("-12345678901234567890.10")], pa.decimal128(38, 2)), "-12345678901234567890.10"),
        (pa.array([6472.0]), "6472"),
        (pa.array([0.1]), "0.1"),
        (pa.array([2**63 - 1]), "9223372036854775807"),
        (pa.array([True]), "true"),
        (pa.array([dt.date(2024, 1, 31)]), "2024-01-31"),
        (pa.array([dt.datetime(2024, 1, 31, 7, 5)], pa.timestamp("us")), "2024-01-31 07:05:00.000000"),
        (pa.array([1706684700000000001], pa.timestamp("ns")), "2024-01-31 07:05:00.000000001"),
        (
            pa.array([dt.datetime(2024, 1, 30, 23, 5)], pa.timestamp("ms", "Asia/Makassar")),
            "2024-01-31 07:05:00.000+0800",
        ),
        (pa.array([dt.time(7, 5)]), "07:05:00.000000"),
        (pa.array(["x"]).dictionary_encode(), "x"),
        (pa.array([b"teks"]), "teks"),
        (pa.array([b"\x00\xff"]), "\\x00ff"),
        (pa.array([[1, None]]), "[1,null]"),
        (pa.array([{"n": Decimal("1.10"), "t": dt.date(2024, 1, 1)}]), '{"n":1.10,"t":"2024-01-01"}'),
        (pa.nulls(1), None),
    ],
)
def test_values_of_parquet_keep_their_exact_text(tmp_path: Path, values: Any, text: str | None) -> None:
    of = contract("a", file_format="parquet")
    assert read(opened(of, parquet(tmp_path, a=values))) == [[text, "baris 1"]]


def test_other_columns_are_refused_or_kept_as_the_contract_says(tmp_path: Path) -> None:
    path = parquet(tmp_path, a=[1], c=[2.5])
    error = read_error(AB, path)
    assert isinstance(error, ShapeError)
    assert "tidak ada di baris judul: b; tidak dikenal di baris judul: c" in error.message
    of = contract("a", "b", file_format="parquet", schema_contract="evolve")
    assert read(opened(of, path)) == [["1", None, '{"c":"2.5"}', "baris 1"]]


def test_parquet_without_rows_is_refused(tmp_path: Path) -> None:
    assert (
        "tidak ada baris data"
        in read_error(contract("a", file_format="parquet"), parquet(tmp_path, a=[])).message
    )


def test_truncated_or_other_file_is_refused_as_parquet(tmp_path: Path) -> None:
    complete = parquet(tmp_path, a=list(range(2_000)), b=["x"] * 2_000).read_bytes()
    assert "bukan berkas Parquet" in content_error(tmp_path, "a,b\n1,2\n", AB).message
    for length in range(1, len(complete), len(complete) // 20):
        content_error(tmp_path, complete[:length], AB, "cut.parquet")


def test_parquet_with_a_damaged_byte_is_refused_or_read_and_never_crashes(tmp_path: Path) -> None:
    sound = parquet(tmp_path, a=list(range(500)), b=["x" * (i % 7) for i in range(500)]).read_bytes()
    refusals = 0
    for place in range(0, len(sound), max(1, len(sound) // 150)):
        damaged = bytearray(sound)
        damaged[place] ^= 0x55
        try:
            read(opened(AB, write(tmp_path, bytes(damaged), "damaged.parquet")))
        except SourceError:
            refusals += 1
    assert refusals > 20


def test_memory_does_not_grow_with_a_large_parquet(tmp_path: Path) -> None:
    table = pa.table({"a": [str(i) * 40 for i in range(60_000)], "b": list(range(60_000))})
    pq.write_table(table, tmp_path / "data.parquet", compression="none", use_dictionary=False)
    # The first value causes imports, whose memory must not be counted.
    read(opened(AB, parquet(tmp_path / "kecil", a=[1], b=[2])))
    stream = opened(AB, tmp_path / "data.parquet")
    tracemalloc.start()
    before = pa.total_allocated_bytes()
    most = 0
    for _ in stream.blocks:
        most = max(most, pa.total_allocated_bytes() - before)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stream.rows == 60_000
    assert peak < 10_000_000 and most < 10_000_000 < (tmp_path / "data.parquet").stat().st_size
