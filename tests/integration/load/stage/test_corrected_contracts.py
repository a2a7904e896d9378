"""A contract that is corrected before the first load: raw gets its new shape and keeps views and grants."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.errors import LoadError
from pipelines.load import prepare
from pipelines.quality.gate import GateResult
from pipelines.quality.results import CheckResult
from tests.support.contracts import column
from tests.support.loads import Loads, Row

ROWS: list[Row] = [["a", "1.5", "2024-05-01"], ["b", "2", "2024-05-01"]]

DISPOSITIONS: list[dict[str, Any]] = [
    {"write_disposition": "replace"},
    {"partition": {"column": "hari", "every": "daily", "start": "2024-05-01"}},
    {"write_disposition": "append"},
    {"write_disposition": "merge", "cursor": "hari", "reconcile": "P1D"},
    {"write_disposition": "merge", "merge_strategy": "scd2"},
]


def rejects(_: Any) -> GateResult:
    return GateResult((CheckResult("nilai", "error", False, message="bukan bilangan bulat"),))


def dataset(loads: Loads, kind: str, key: str = "kunci", **custom: Any) -> Contract:
    return loads.contract(
        column("kunci", primaryKey=key == "kunci"),
        column("nilai", kind, primaryKey=key == "nilai"),
        column("hari", "date", required=True),
        **custom,
    )


@pytest.mark.parametrize("custom", DISPOSITIONS)
@pytest.mark.parametrize(("kind", "key"), [("numeric(6,1)", "kunci"), ("numeric(6,1)", "nilai")])
def test_after_a_rejected_first_load_the_corrected_contract_is_loaded(
    loads: Loads, custom: dict[str, Any], kind: str, key: str
) -> None:
    day = Window(date(2024, 5, 1), date(2024, 5, 1)) if "partition" in custom else None
    wrong = dataset(loads, "integer", write_disposition="merge")
    assert loads.load(wrong, lambda *_: ROWS, gate=rejects).state == "rejected"
    loads.run("create view public.dipakai as select kunci from raw.uji__data")
    loads.run("grant select on raw.uji__data to pg_monitor")
    right = dataset(loads, kind, key, **custom)
    prepare.prepare(loads.connection, [right])
    batch = loads.load(right, lambda *_: ROWS, window=day)
    assert (batch.state, batch.loaded) == ("loaded", 2)
    assert [float(v) for (v,) in loads.run("select nilai from raw.uji__data order by 1")] == [1.5, 2.0]
    assert loads.run("select kunci from public.dipakai order by 1") == [("a",), ("b",)]
    assert loads.run("select has_table_privilege('pg_monitor', 'raw.uji__data', 'select')") == [(True,)]
    again = loads.load(right, lambda *_: ROWS, window=day)
    assert (again.state, again.loaded) == ("unchanged", 0)
    left = "select relname from pg_class where relnamespace = 'raw'::regnamespace and relkind = 'r'"
    assert loads.run(left) == [("uji__data",)]


def test_a_raw_table_with_rows_is_never_made_again(loads: Loads) -> None:
    before = dataset(loads, "integer", write_disposition="merge")
    loads.load(before, lambda *_: [["a", "1", "2024-05-01"]])
    for changed in (
        dataset(loads, "numeric(6,1)", write_disposition="merge"),
        dataset(loads, "integer", write_disposition="merge", merge_strategy="scd2"),
        dataset(loads, "integer", "nilai", write_disposition="merge"),
    ):
        prepare.prepare(loads.connection, [changed])
        with pytest.raises(LoadError, match="kolom kontrak tidak lagi sama"):
            loads.load(changed, lambda *_: ROWS)
        assert loads.raw(before, "kunci", "nilai") == [("a", 1)]


def test_a_staging_view_over_an_empty_raw_does_not_stop_the_corrected_contract(loads: Loads) -> None:
    """The night after a rejected first load builds staging. The load drops it, and the next night builds it."""
    wrong = dataset(loads, "integer")
    assert loads.load(wrong, lambda *_: ROWS, gate=rejects).state == "rejected"
    loads.run("create view staging.stg_uji as select kunci, nilai from raw.uji__data")
    loads.run("create view core.di_atasnya as select nilai from staging.stg_uji")
    loads.run("create view public.dipakai as select kunci from raw.uji__data")
    right = loads.contract(
        column("kunci", primaryKey=True), column("harga", "numeric(6,1)"), column("hari", "date")
    )
    assert loads.load(right, lambda *_: ROWS).loaded == 2
    gone = "select to_regclass('staging.stg_uji'), to_regclass('core.di_atasnya')"
    assert loads.run(gone) == [(None, None)]
    assert loads.run("select kunci from public.dipakai order by 1") == [("a",), ("b",)]
