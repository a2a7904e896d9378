"""Upserts and their reconciliation, compared with a model in plain Python.

Hypothesis makes the histories (tests/support/histories.py). Each load is run again, and must then change nothing.
"""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.model import Contract
from pipelines.errors import SourceError
from tests.support.contracts import column
from tests.support.histories import (
    API,
    FEW,
    NAMES,
    T0,
    Source,
    again_changes_nothing,
    histories,
    keyed,
)
from tests.support.loads import Loads, Row


@FEW
@given(history=histories, lag=st.sampled_from(["PT0S", "PT2M"]))
def test_an_upsert_keeps_what_was_read_last_of_each_key(
    shared_loads: Loads, history: list[list[tuple[str, int | None, int]]], lag: str
) -> None:
    contract = keyed(shared_loads, write_disposition="merge", cursor="diubah", lag=lag)
    shared_loads.forget(contract)
    source, expected, mark = Source(), dict[str, tuple[int, int]](), None
    for night in history:
        for change in night:
            source.apply(change)
        since = None if mark is None else mark - int(lag[2])
        seen = {k: row for k, row in source.rows.items() if since is None or row[1] >= since}
        expected |= seen
        mark = max([m for _, m in seen.values()] + ([] if mark is None else [mark]), default=None)
        shared_loads.load(contract, source.read)
        found = dict(shared_loads.raw(contract, "kunci", "nilai"))
        assert found == {k: v for k, (v, _) in expected.items()}
    again_changes_nothing(shared_loads, contract, source)


@FEW
@given(history=histories)
def test_a_reconciled_upsert_equals_the_source_whatever_its_clock_did(
    shared_loads: Loads, history: list[list[tuple[str, int | None, int]]]
) -> None:
    contract = keyed(shared_loads, write_disposition="merge", cursor="diubah", reconcile="PT0S")
    shared_loads.forget(contract)
    source = Source({"tetap": (0, 0)})
    for night in history:
        for change in night:
            source.apply(change)
        shared_loads.load(contract, source.read)
    shared_loads.load(contract, source.read)  # reads what the last reconciliation found overlooked
    alive = {
        r[0]: (r[1], r[2])
        for r in shared_loads.raw(contract, "kunci", "nilai", "diubah", "deleted_at")
        if r[3] is None
    }
    assert alive == {k: (v, T0 + timedelta(minutes=m)) for k, (v, m) in source.rows.items()}
    again_changes_nothing(shared_loads, contract, source)


def test_a_row_in_quarantine_is_not_marked_as_deleted(shared_loads: Loads) -> None:
    contract = shared_loads.contract(
        column("kunci", primaryKey=True),
        column("nilai", "integer"),
        write_disposition="merge",
        reconcile="P1D",
    )
    shared_loads.forget(contract)
    shared_loads.load(contract, lambda *_: [["a", "1"], ["b", "1"], ["c", "1"]])
    batch = shared_loads.load(contract, lambda *_: [["a", "satu"], ["b", "1"]])
    assert (batch.deleted, batch.quarantined) == (1, 1)
    assert shared_loads.raw(contract, "kunci", "deleted_at is null") == [
        ("a", True),
        ("b", True),
        ("c", False),
    ]
    batch = shared_loads.load(contract, lambda *_: [["b", "1"], ["c", "1"]])
    assert (batch.deleted, batch.loaded) == (1, 1)
    assert shared_loads.raw(contract, "kunci", "deleted_at is null") == [
        ("a", False),
        ("b", True),
        ("c", True),
    ]
    assert shared_loads.run("select state from quarantine.row") == [("resolved",)]


def test_a_failed_reconciliation_keeps_the_load_and_runs_again_next_time(shared_loads: Loads) -> None:
    contract = keyed(shared_loads, write_disposition="merge", cursor="diubah", reconcile="PT0S")
    shared_loads.forget(contract)
    source = Source({"a": (1, 0), "b": (1, 1)})
    shared_loads.load(contract, source.read)
    source.apply(("c", 1, 5))
    source.apply(("a", None, 0))

    def without_keys(of: Contract, since: str | None) -> list[Row]:
        if len(of.stored) < len(NAMES):
            raise SourceError("uji/data", "no right to read the keys")
        return source.read(of, since)

    batch = shared_loads.load(contract, without_keys)
    assert (batch.state, batch.loaded, batch.error) == (
        "loaded",
        1,
        "rekonsiliasi: no right to read the keys",
    )
    assert shared_loads.raw(contract, "kunci", "deleted_at is null") == [
        ("a", True),
        ("b", True),
        ("c", True),
    ]
    batch = shared_loads.load(
        contract, lambda of, since: [] if len(of.stored) < len(NAMES) else source.read(of, since)
    )
    assert batch.error == "rekonsiliasi: sumber tidak memberi satu kunci pun, padahal gudang data punya baris"
    assert shared_loads.load(contract, source.read).deleted == 1
    assert shared_loads.raw(contract, "kunci", "deleted_at is null") == [
        ("a", False),
        ("b", True),
        ("c", True),
    ]
    assert (
        shared_loads.run(
            "select relname from pg_class where relnamespace = 'landing'::regnamespace and relkind = 'r'"
        )
        == []
    )


def test_an_older_version_that_an_api_gives_late_changes_nothing(shared_loads: Loads) -> None:
    for strategy in ("upsert", "scd2"):
        contract = keyed(
            shared_loads,
            server=API,
            extract={"path": "/x"},
            write_disposition="merge",
            merge_strategy=strategy,
            cursor="diubah",
        )
        shared_loads.forget(contract)
        shared_loads.load(contract, lambda *_: [["a", "2", "2024-05-02"]])
        late = shared_loads.load(contract, lambda *_: [["a", "1", "2024-05-01"]])
        assert (late.state, late.unchanged) == ("unchanged", 1)
        assert shared_loads.raw(contract, "kunci", "nilai") == [("a", 2)]


@FEW
@given(history=histories)
def test_late_rows_of_an_api_never_replace_a_newer_one(
    shared_loads: Loads, history: list[list[tuple[str, int | None, int]]]
) -> None:
    """Each night gives some rows in any order, older ones among them. Of each key the latest by its clock is kept."""
    contract = keyed(
        shared_loads, server=API, extract={"path": "/x"}, write_disposition="merge", cursor="diubah"
    )
    shared_loads.forget(contract)
    expected: dict[str, tuple[int, int]] = {}
    for night in history:
        given_rows = {k: (v, m) for k, v, m in night if v is not None}  # one row a key, as it came last
        for key, (value, minute) in given_rows.items():
            if key not in expected or minute >= expected[key][1]:
                expected[key] = (value, minute)
        rows = [[k, str(v), (T0 + timedelta(minutes=m)).isoformat()] for k, (v, m) in given_rows.items()]
        shared_loads.load(contract, lambda *_, rows=rows: rows)
    found = {r[0]: (r[1], r[2]) for r in shared_loads.raw(contract, "kunci", "nilai", "diubah")}
    assert found == {k: (v, T0 + timedelta(minutes=m)) for k, (v, m) in expected.items()}


@FEW
@given(history=histories, reconcile=st.booleans())
def test_a_key_that_changes_its_case_at_a_case_insensitive_source_is_one_row(
    shared_loads: Loads, history: list[list[tuple[str, int | None, int]]], reconcile: bool
) -> None:
    """In a MariaDB table "a" and "A" are one key. The contract says so by a repair of the key."""
    more = {"reconcile": "PT0S"} if reconcile else {}
    contract = shared_loads.contract(
        column("kunci", primaryKey=True, parse="huruf_besar"),
        column("nilai", "integer"),
        column("diubah", "timestamp", required=True),
        write_disposition="merge",
        cursor="diubah",
        **more,
    )
    shared_loads.forget(contract)
    source, clock = Source({"tetap": (0, 0)}), 0
    for night in history:
        for key, value, _ in night:
            clock += 1
            for same in [k for k in source.rows if k.upper() == key.upper()]:
                del source.rows[same]
            source.apply((key, value, clock))
        shared_loads.load(contract, source.read)
    alive_only = " where deleted_at is null" if reconcile else ""
    found = shared_loads.run(f"select kunci, nilai from raw.uji__data{alive_only}")  # noqa: S608
    assert len({k for k, _ in found}) == len(found)
    alive = {k.upper(): v for k, (v, _) in source.rows.items()}
    assert dict(found) == alive if reconcile else alive.items() <= dict(found).items()
    again_changes_nothing(shared_loads, contract, source)
