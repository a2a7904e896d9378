"""What every database source gives: chosen columns, the rows of one moment, rows from a cursor value on."""

# ruff: noqa: S608  # the statements are the tests' own
from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.errors import ShapeError
from pipelines.extract.database import open_database
from pipelines.extract.stream import Wanted
from tests.support.databases import Source, contract, read, rows_of, typed

ROWS = 50_000
SERIES = {"postgresql": f"generate_series(1, {ROWS}) as seq", "mariadb": f"seq_1_to_{ROWS}"}


def test_a_missing_column_is_named_with_its_likely_new_name(source: Source) -> None:
    source.run("create table t (id int, kode_baru varchar(9), jumlah decimal(9,2))")
    with pytest.raises(
        ShapeError, match="tidak punya kolom kode; yang ada tetapi tidak dikenal kontrak: kode_baru, jumlah"
    ) as caught:
        open_database(
            contract(typed("id", "integer", "integer"), "kode", table="t"), Wanted(), {"UJI_URL": source.url}
        )
    assert "kode berganti nama menjadi kode_baru?" in str(caught.value)


def test_a_part_of_the_columns_can_be_read_alone(source: Source) -> None:
    source.run(
        "create table t (id int, kode text, diubah date)", "insert into t values (1, 'a', '2024-01-01')"
    )
    everything = contract("id", "kode", "diubah", table="t", key="id", cursor="diubah")
    part = replace(
        everything, columns=tuple(c for c in everything.columns if c.key or c.name == everything.cursor)
    )
    found = read(part, source.url)
    assert found.stream.columns == ("id", "diubah") and found.rows == [["1", "2024-01-01"]]


def test_all_rows_of_a_load_are_of_one_moment(source: Source) -> None:
    source.run("create table t (id int primary key)", f"insert into t select seq from {SERIES[source.kind]}")
    stream = open_database(contract("id", table="t"), Wanted(), {"UJI_URL": source.url})
    source.run("delete from t where id > 2", "insert into t values (99999)")
    assert rows_of(stream) == [[str(i)] for i in range(1, ROWS + 1)]
    assert stream.rows == ROWS


CURSORS = [
    ("postgresql", "timestamp", "timestamp", "2024-05-01T10:00:00.000002", "'2024-05-01 10:00:00.000001'", "'2024-05-01 10:00:00.000002'"),
    ("postgresql", "timestamptz", "timestamp", "2024-05-01T10:00:00.5+08:00", "'2024-05-01 01:59:59+00'", "'2024-05-01 02:00:00.5+00'"),
    ("postgresql", "date", "date", "2024-05-01", "'2024-04-30'", "'2024-05-01'"),
    ("postgresql", "date", "timestamp", "2024-05-01T00:00:00", "'2024-04-30'", "'2024-05-01'"),
    ("postgresql", "bigint", "integer", "9007199254740993", "9007199254740992", "9007199254740993"),
    ("postgresql", "text", "string", "b-10", "'B-99'", "'b-10'"),
    ("postgresql", "text", "timestamp", "2024-05-01T10:00:00", "'2024-05-01 09:59:59'", "'2024-05-01 10:00:00'"),
    ("postgresql", "text", "timestamp", "2024-05-01T10:00:00", "'2024-04-30T23:00:00'", "'2024-05-01T10:00:00'"),
    ("postgresql", "text", "timestamp", "2024-05-01T10:00:00.25+08:00", "'2024-05-01 10:00:00.2'", "'2024-05-01 10:00:00.250'"),
    ("mariadb", "datetime(6)", "timestamp", "2024-05-01T10:00:00.000002", "'2024-05-01 10:00:00.000001'", "'2024-05-01 10:00:00.000002'"),
    ("mariadb", "timestamp(6)", "timestamp", "2024-05-01T02:00:00.5+00:00", "'2024-05-01 09:59:59'", "'2024-05-01 10:00:00.5'"),
    ("mariadb", "date", "date", "2024-05-01", "'0000-00-00'", "'2024-05-01'"),
    ("mariadb", "date", "timestamp", "2024-05-01T00:00:00", "'2024-04-30'", "'2024-05-01'"),
    ("mariadb", "bigint unsigned", "integer", "18446744073709551615", "18446744073709551614", "18446744073709551615"),
    ("mariadb", "decimal(30,10)", "number", "1.0000000002", "1.0000000001", "1.0000000002"),
    ("mariadb", "varchar(30)", "string", "b-10", "'B-99'", "'b-10'"),
    ("mariadb", "varchar(30)", "string", "a'\\", "'a'", "'a\\'\\\\'"),
    ("mariadb", "varchar(30)", "timestamp", "2024-05-01T10:00:00", "'2024-05-01 09:59:59'", "'2024-05-01 10:00:00'"),
    ("mariadb", "varchar(30)", "timestamp", "2024-05-01T10:00:00", "'2024-04-30T23:00:00'", "'2024-05-01T10:00:00'"),
]  # fmt: skip
SESSION = {
    "postgresql": [],
    "mariadb": ["set session sql_mode = '', time_zone = '+08:00'"],
}


@pytest.mark.parametrize(
    ("source", "kind", "logical", "since", "before", "at"),
    [pytest.param(*case, marks=[pytest.mark.mariadb] if case[0] == "mariadb" else []) for case in CURSORS],
    indirect=["source"],
)
def test_a_cursor_reads_the_rows_from_its_value_on(
    source: Source, kind: str, logical: str, since: str, before: str, at: str
) -> None:
    source.run(
        *SESSION[source.kind],
        f"create table t (id int, c {kind})",
        f"insert into t values (1, {before}), (2, {at})",
    )
    made = contract("id", typed("c", logical, "text"), table="t", cursor="c")
    assert [row[0] for row in read(made, source.url, Wanted(since=since)).rows] == ["2"]
