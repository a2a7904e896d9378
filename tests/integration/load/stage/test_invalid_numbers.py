"""NaN, infinities and numbers that no type holds are refused from every kind of source, each with its own reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.model import Contract
from tests.support.clocks import Nights, Table
from tests.support.contracts import api, column, database
from tests.support.loads import Loads, Row


@pytest.fixture
def nights(warehouse_url: str, tmp_path: Path) -> Iterator[Nights]:
    made = Nights(warehouse_url, tmp_path)
    yield made
    made.connection.close()


KINDS = {
    "a": "numeric(12,2)",
    "b": "double precision",
    "c": "numeric(10,2)",
    "w": "timestamptz",
    "t": "timestamp",
    "d": "date",
}


@pytest.mark.parametrize("source", [KINDS, dict.fromkeys(KINDS, "text")])
def test_invalid_numbers_and_dates_of_postgresql_go_to_quarantine(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, source: dict[str, str]
) -> None:
    """From typed columns, which land as they are stored, and from text columns."""
    table = Table(nights.url, monkeypatch)
    table.make("id int, " + ", ".join(f"{name} {kind}" for name, kind in source.items()))
    good = ("1.5", "2.5", "-3", "2026-09-01 10:00+08", "2026-09-01 10:00", "2026-09-01")
    bad = [
        ("a", "NaN"), ("a", "-NaN" if source["a"] == "text" else "nan"), ("b", "Infinity"), ("b", "-inf"), ("c", "nan"),
        ("w", "infinity"), ("w", "-infinity"), ("t", "infinity"), ("d", "-infinity"),
    ]  # fmt: skip
    rows = [good, *(tuple(v if n == name else None for n in KINDS) for name, v in bad), (None,) * len(KINDS)]
    for number, row in enumerate(rows):
        names = ", ".join("null" if v is None else f"'{v}'" for v in row)
        table.run(f"insert into sumber values ({number}, {names})")  # noqa: S608
    contract = nights.contract(
        column("id", "integer", primaryKey=True),
        *(column(name, kind) for name, kind in KINDS.items()),
        max_quarantine_share=1,
    )
    done = nights.load(contract)
    assert done.batch is not None and (done.batch.loaded, done.batch.quarantined) == (2, len(bad))
    assert nights.run("select sum(a), sum(b), sum(c), max(d)::text from raw.uji__data") == [
        (1.5, 2.5, -3, "2026-09-01")
    ]
    found = nights.run(
        "select row->>'id', r->>'kolom', r->>'aturan' from quarantine.row, jsonb_array_elements(reasons) r"
        " order by (row->>'id')::int"
    )
    assert found == [(str(number), name, "tipe") for number, (name, _) in enumerate(bad, start=1)]


def test_infinity_can_be_declared_as_a_missing_value(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(nights.url, monkeypatch)
    table.make("id int, d date")
    table.run("insert into sumber values (1, 'infinity')")
    contract = nights.contract(
        column("id", "integer", primaryKey=True), column("d", "date", missing_values=["infinity"])
    )
    nights.load(contract)
    assert nights.run("select id, d from raw.uji__data") == [(1, None)]


@pytest.mark.parametrize("server", [api("UJI_URL"), database("UJI_URL")])
def test_a_number_out_of_range_is_refused_with_the_range(loads: Loads, server: dict[str, Any]) -> None:
    kinds = ("smallint", "integer", "bigint", "numeric(6,2)", "double precision")
    extract = {"path": "/v1"} if server["type"] == "api" else {"table": "data"}
    contract: Contract = loads.contract(
        *(column(f"k{i}", kind) for i, kind in enumerate(kinds)),
        server=server,
        extract=extract,
    )
    large = ("32768", "-2147483649", "18446744073709551615", "10000.5", "1e400")
    rows: list[Row] = [["1", "2", "3", "4.5", "5"], large, ["1.5", "x", "0x1F", "4,5", "lima"]]
    batch = loads.load(contract, lambda *_: rows)
    assert (batch.loaded, batch.quarantined) == (1, 2)
    found = loads.run(
        "select array_agg(r->>'pesan') from quarantine.row, jsonb_array_elements(reasons) r"
        " group by entry_id order by row->>'k0' desc"
    )
    assert [sorted(messages) for (messages,) in found] == [
        [
            "k0: di luar jangkauan smallint (-32768 sampai 32767)",
            "k1: di luar jangkauan integer (-2147483648 sampai 2147483647)",
            "k2: di luar jangkauan bigint (-9223372036854775808 sampai 9223372036854775807)",
            "k3: di luar jangkauan numeric(6,2) (paling banyak 4 angka di depan koma)",
            "k4: di luar jangkauan double precision",
        ],
        [
            "k0: bukan bilangan bulat",
            "k1: bukan bilangan bulat",
            *(["k2: bukan bilangan bulat"] if server["type"] == "api" else []),
            "k3: bukan angka",
            "k4: bukan angka",
        ],
    ]
