"""A contract gets a column: raw gets it, too, rows that the source no longer has stay, and no row is doubled."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import LoadError
from tests.support.contracts import column
from tests.support.loads import Loads, Row

KEYED = {"primaryKey": True}


def narrow(loads: Loads, key: dict[str, Any], **custom: Any) -> Contract:
    return loads.contract(column("id", "integer", **key), column("nilai"), **custom)


def wide(loads: Loads, key: dict[str, Any], **custom: Any) -> Contract:
    return loads.contract(column("id", "integer", **key), column("baru"), column("nilai"), **custom)


def columns(loads: Loads) -> list[str]:
    return [
        row[0]
        for row in loads.run(
            "select attname from pg_attribute where attrelid = 'raw.uji__data'::regclass and attnum > 0"
        )
    ]


@pytest.mark.parametrize("key", [KEYED, {}])
def test_an_append_keeps_the_rows_that_the_source_has_pruned(loads: Loads, key: dict[str, Any]) -> None:
    before, after = (f(loads, key, write_disposition="append") for f in (narrow, wide))
    loads.load(before, lambda *_: [["1", "a"], ["2", "b"], ["2", "b"]][: 2 if key else 3])
    rows: list[Row] = [["2", "x", "b"], ["3", "y", "c"]]
    batch = loads.load(after, lambda *_: rows)
    assert (batch.loaded, batch.unchanged, batch.deleted) == (2, 0, 0)
    assert any("mendapat kolom baru;" in w for w in batch.warnings)
    expected = [(1, "a", None), (2, "b", "x"), *([] if key else [(2, "b", None)]), (3, "c", "y")]
    found = loads.run("select id, nilai, baru from raw.uji__data order by 1, 3 nulls last")
    assert found == expected and columns(loads).count("baru") == 1
    again = loads.load(after, lambda *_: rows)
    assert (again.state, again.loaded, again.warnings) == ("unchanged", 0, [])


def test_an_append_without_a_key_does_not_double_the_rows_at_its_watermark(loads: Loads) -> None:
    more: list[dict[str, Any]] = [column("waktu", "timestamp", required=True)]
    before = loads.contract(column("nilai"), *more, write_disposition="append", cursor="waktu")
    after = loads.contract(column("nilai"), column("baru"), *more, write_disposition="append", cursor="waktu")
    loads.load(before, lambda *_: [["a", "2024-05-01"], ["b", "2024-05-02"]])
    requested: list[str | None] = []

    def read(_: Contract, since: str | None) -> list[Row]:
        requested.append(since)
        rows: list[Row] = [["a", "x", "2024-05-01"], ["b", "y", "2024-05-02"]]
        return [r for r in rows if since is None or f"{r[2]}T00:00:00" >= since]

    assert loads.load(after, read).loaded == 2
    assert requested == [None], "the new column is read of every row"
    assert loads.raw(after, "nilai", "baru") == [("a", "x"), ("b", "y")]
    assert loads.load(after, read).state == "unchanged"
    assert requested[1] == "2024-05-02T00:00:00"


@pytest.mark.parametrize("full_refresh", [False, True])
def test_a_history_gets_the_column_and_keeps_its_versions(loads: Loads, full_refresh: bool) -> None:
    custom = {"write_disposition": "merge", "merge_strategy": "scd2"}
    before, after = narrow(loads, KEYED, **custom), wide(loads, KEYED, **custom)
    for value in ("a", "b"):
        loads.load(before, lambda *_, value=value: [["1", value], ["2", "tetap"]])
    batch = loads.load(after, lambda *_: [["1", "x", "b"], ["2", "y", "berubah"]], full_refresh=full_refresh)
    assert (batch.loaded, batch.deleted) == (2, 0)
    assert loads.run("select id, nilai, baru, is_current from raw.uji__data order by 1, valid_from") == [
        (1, "a", None, False),
        (1, "b", "x", True),
        (2, "tetap", None, False),
        (2, "berubah", "y", True),
    ]


def test_an_upsert_gets_the_column_in_every_row_that_the_source_has(loads: Loads) -> None:
    custom = {"write_disposition": "merge", "reconcile": "P7D"}
    before, after = narrow(loads, KEYED, **custom), wide(loads, KEYED, **custom)
    loads.load(before, lambda *_: [["1", "a"], ["2", "b"]])
    batch = loads.load(after, lambda *_: [["1", "x", "a"]])
    assert (batch.loaded, batch.deleted) == (1, 1)
    assert loads.raw(after, "id", "baru", "deleted_at is null") == [(1, "x", True), (2, None, False)]


def test_a_full_refresh_counts_the_rows_that_it_deletes(loads: Loads) -> None:
    for key in (KEYED, {}):
        before, after = (f(loads, key, write_disposition="append") for f in (narrow, wide))
        loads.forget(before)
        loads.load(before, lambda *_: [["1", "a"], ["2", "b"]])
        batch = loads.load(after, lambda *_: [["2", "x", "b"], ["3", "y", "c"]], full_refresh=True)
        assert (batch.loaded, batch.deleted) == (2, 1)
        assert loads.run(
            "select rows_loaded, rows_deleted from ops.load_batch order by batch_id desc limit 1"
        ) == [(2, 1)]


def test_a_changed_type_is_refused_with_a_remedy_that_keeps_all_versions(loads: Loads) -> None:
    custom = {"write_disposition": "merge", "merge_strategy": "scd2"}
    before = narrow(loads, KEYED, **custom)
    after = loads.contract(column("id", "integer", **KEYED), column("nilai", "integer"), **custom)
    loads.load(before, lambda *_: [["1", "7"]])
    for full_refresh in (False, True):
        with pytest.raises(LoadError, match=r"alter table .*pindahkan tabel itu") as caught:
            loads.load(after, lambda *_: [["1", "8"]], full_refresh=full_refresh)
        assert "reload" not in str(caught.value)
    loads.run("alter table raw.uji__data alter column nilai type integer using nilai::integer")
    assert loads.load(after, lambda *_: [["1", "8"]]).loaded == 1
    assert [r[0] for r in loads.run("select nilai from raw.uji__data order by valid_from")] == [7, 8]


def test_a_view_on_raw_does_not_prevent_an_added_column(loads: Loads) -> None:
    before, after = (f(loads, KEYED, write_disposition="append") for f in (narrow, wide))
    loads.load(before, lambda *_: [["1", "a"]])
    loads.run("create view staging.v as select * from raw.uji__data")
    assert loads.load(after, lambda *_: [["2", "x", "b"]]).loaded == 1
    assert loads.run("select count(*) from staging.v") == [(2,)]
