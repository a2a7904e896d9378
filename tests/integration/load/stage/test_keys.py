"""The key of a refused row equals the key of the same row in raw, however the source spells it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from pipelines.contracts.model import Contract
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.keys import row_key
from pipelines.warehouse.connection import connect
from tests.support.contracts import api, column, database
from tests.support.histories import FEW
from tests.support.loads import Loads

Spell = Callable[[Any], str]

WHOLE: list[Spell] = [str, lambda n: f"{n:04}" if n >= 0 else str(n), lambda n: f" {n} "]
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1))
WITA = timezone(timedelta(hours=8))
BOOLEANS = ("false", "true"), ("FALSE", "True"), ("0", "1")


def cents(n: int) -> str:
    return f"{Decimal(n) / 100:f}"


TYPES: dict[str, tuple[st.SearchStrategy[Any], list[Spell], list[Spell]]] = {
    "smallint": (st.integers(-99, 99), WHOLE, []),
    "bigint": (st.integers(-(10**12), 10**12), WHOLE, []),
    "numeric(10,2)": (
        st.integers(-(10**6), 10**6),
        [cents, lambda n: f"{Decimal(n) / 100:.2f}", lambda n: f"{Decimal(n) / 100:.4f}", lambda n: f" {cents(n)}"],
        [],
    ),
    "numeric": (
        st.integers(-(10**6), 10**6),
        [cents, lambda n: f"{Decimal(n) / 100:.5f}", lambda n: f"{n}e-2"],
        [],
    ),
    "double precision": (
        st.integers(-(10**6), 10**6),
        [str, lambda n: f"{n}.0", lambda n: f"{n}e0", lambda n: str(n) if n else "-0"],
        [],
    ),
    "boolean": (
        st.booleans(),
        [lambda b, pair=pair: pair[b] for pair in BOOLEANS],
        [lambda b: "yes" if b else "f"],
    ),
    "date": (
        st.dates(date(1990, 1, 1), date(2030, 1, 1)),
        [str, lambda d: f"{d.year}-{d.month}-{d.day}", lambda d: f"{d}T00:00:00"],
        [lambda d: f"{d:%Y%m%d}", lambda d: f"{d:%b %d, %Y}"],
    ),
    "time": (
        st.times().map(lambda t: t.replace(microsecond=0)),
        [str, lambda t: f"{t}.000", lambda t: f"{t:%I:%M:%S %p}"],
        [],
    ),
    "timestamp": (
        MOMENTS,
        [str, datetime.isoformat, lambda t: f"{t:%Y-%m-%d %H:%M:%S.%f}", lambda t: f"{t.year}-{t.month}-{t.day} {t:%H:%M:%S.%f}"],
        [lambda t: f"{t:%Y%m%d %H%M%S.%f}"],
    ),
    "timestamptz": (
        MOMENTS.map(lambda t: t.replace(tzinfo=UTC)),
        [
            datetime.isoformat,
            lambda t: f"{t:%Y-%m-%dT%H:%M:%S.%f}Z",
            lambda t: t.astimezone(WITA).isoformat(" "),
            lambda t: f"{t.astimezone(WITA):%Y-%m-%d %H:%M:%S.%f}",
        ],
        [],
    ),
}  # fmt: skip
"""By type: values, spellings that every source may have, and spellings that only a database may have."""


def reconciled(loads: Loads, kind: str, server: dict[str, Any], **custom: Any) -> Contract:
    extract = {"path": "/v1/data", "records": "/data"} if server["type"] == "api" else {"table": "data"}
    return loads.contract(
        column("kunci", kind, primaryKey=True),
        column("nilai", "integer", required=True),
        server=server,
        extract=extract,
        write_disposition="merge",
        max_quarantine_share=1.0,
        **custom,
    )


def keys_of_raw(loads: Loads, contract: Contract) -> list[str]:
    query = sql.SQL("select {} from {} t order by 1").format(
        row_key(LoadPlan(contract, 0), "t"), sql.Identifier("raw", contract.table)
    )
    return [key for (key,) in loads.connection.execute(query)]


def open_keys(loads: Loads) -> list[str]:
    rows = loads.run("select distinct row_key from quarantine.row where state = 'open' order by 1")
    return [key for (key,) in rows]


@pytest.mark.parametrize("server", [database("UJI_URL"), api("UJI_URL")], ids=["database", "api"])
@pytest.mark.parametrize("kind", TYPES)
@settings(FEW, max_examples=8)
@given(data=st.data())
def test_a_refused_row_has_the_key_of_its_row_in_raw(
    shared_loads: Loads, kind: str, server: dict[str, Any], data: st.DataObject
) -> None:
    """So a full read marks no row as deleted that the source still has, and knows it when it is corrected."""
    values, allowed, odd = TYPES[kind]
    spellings = allowed + (odd if server["type"] != "api" else [])
    contract = reconciled(shared_loads, kind, server, reconcile="PT20H")
    shared_loads.forget(contract)
    rows = data.draw(st.lists(values, min_size=1, max_size=8, unique=True))

    def spelled(value: str) -> Sequence[tuple[str, str]]:
        return [(data.draw(st.sampled_from(spellings))(row), value) for row in rows]

    good, bad = spelled("1"), spelled("x")
    first = shared_loads.load(contract, lambda *_: good)
    assert (first.loaded, first.quarantined) == (len(rows), 0)
    exact = ["kunci"] if data.draw(st.booleans()) else []
    refused = shared_loads.load(contract, lambda *_: bad, exact=exact)
    assert (refused.quarantined, refused.deleted) == (len(rows), 0)
    assert open_keys(shared_loads) == keys_of_raw(shared_loads, contract)


def test_a_correction_resolves_its_row_however_its_time_was_spelled(shared_loads: Loads) -> None:
    contract = shared_loads.contract(
        column("kunci", primaryKey=True, primaryKeyPosition=1),
        column("pada", "timestamptz", primaryKey=True, primaryKeyPosition=2),
        column("nilai", "integer"),
        column("urut", "integer", required=True),
        server=api("UJI_URL"),
        extract={"path": "/v1/data", "records": "/data"},
        write_disposition="merge",
        cursor="urut",
        max_quarantine_share=1.0,
    )
    shared_loads.forget(contract)
    shared_loads.load(contract, lambda *_: [("a", "2026-01-05T02:00:00Z", "1", "1")])
    shared_loads.load(contract, lambda *_: [("b", "2026-01-05T02:00:00Z", "x", "2")])
    assert open_keys(shared_loads) == ["b|2026-01-05 10:00:00+08"]
    shared_loads.load(contract, lambda *_: [("b", "2026-01-05T02:00:00Z", "2", "3")])
    assert open_keys(shared_loads) == []


def test_a_key_that_the_cast_would_change_is_not_the_key_of_another_row(shared_loads: Loads) -> None:
    """Such a row has no key in raw. Its entry must not go when the row comes whose key it would be rounded to."""
    contract = shared_loads.contract(
        column("kunci", "numeric(10,2)", primaryKey=True),
        column("urut", "integer", required=True),
        write_disposition="merge",
        cursor="urut",
        max_quarantine_share=1.0,
    )
    shared_loads.forget(contract)
    shared_loads.load(contract, lambda *_: [("1.56", "1"), ("1.555", "1"), ("satu", "1")])
    shared_loads.load(contract, lambda *_: [("1.56", "2")])
    assert open_keys(shared_loads) == ["1.555", "satu"]


def test_an_entry_whose_key_was_written_otherwise_gets_todays_text(shared_loads: Loads) -> None:
    contract = reconciled(shared_loads, "integer", api("UJI_URL"), reconcile="PT20H")
    shared_loads.forget(contract)
    shared_loads.load(contract, lambda *_: [("007", "x")])
    shared_loads.run("update quarantine.row set row_key = '007', source_position = 'kunci 007'")
    shared_loads.load(contract, lambda *_: [("007", "x")])
    assert shared_loads.run("select row_key, source_position from quarantine.row") == [("7", "kunci 7")]


def test_sessions_write_values_alike_whatever_the_server_is_set_to(loads: Loads) -> None:
    texts = (
        "select (1 / 3.0)::float8::text, timestamptz '2026-01-05T02:00:00Z'::text, date '2026-01-05'::text"
    )
    before = loads.run(texts)
    (name,) = loads.run("select quote_ident(current_database())")[0]
    for setting in ("extra_float_digits = -3", "timezone = 'UTC'", "datestyle = 'German, DMY'"):
        loads.run(f"alter database {name} set {setting}")
    with connect(loads.url) as other:
        assert other.execute(texts.encode()).fetchall() == before
    assert before == [("0.3333333333333333", "2026-01-05 10:00:00+08", "2026-01-05")]
