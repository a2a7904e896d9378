"""A reconciliation reads every key, whatever the other columns hold: against a plain model and a real MariaDB.

A row whose cursor became empty, or is not a time, is not marked as deleted, and is counted as unreachable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.model import Contract
from tests.support.clocks import Nights, Table
from tests.support.contracts import column
from tests.support.histories import FEW, NAMES
from tests.support.loads import Loads, Row, only

NO_TIME = [None, "0000-00-00 00:00:00", "kemarin"]

changes = st.tuples(
    st.sampled_from(["a", "b", "c", "4"]),
    st.one_of(st.none(), st.sampled_from(["1", "2", "dua"])),
    st.one_of(st.integers(0, 6), st.sampled_from(range(-len(NO_TIME), 0))),
)
"""Key, value (None: the row is deleted; "dua" is refused), and a minute, or below 0 an invalid cursor."""


class Rows:
    """A table of an OPD, read from a cursor value on as a database is: rows without a cursor value are not found."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, str | None]] = {}

    def apply(self, key: str, value: str | None, minute: int) -> None:
        if value is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = value, NO_TIME[minute] if minute < 0 else f"2024-05-01 00:{minute:02}:00"

    def read(self, contract: Contract, since: str | None) -> list[Row]:
        found: list[Row] = [
            [key, value, at]
            for key, (value, at) in self.rows.items()
            if since is None or (at and at[:2] == "20" and at >= since.replace("T", " "))
        ]
        return only(contract, NAMES, found)


def reconciled(shared_loads: Loads, **custom: Any) -> Contract:
    return shared_loads.contract(
        column("kunci", primaryKey=True, logicalTypeOptions={"pattern": "^[abc]$"}),
        column("nilai", "integer"),
        column("diubah", "timestamp", required=True),
        write_disposition="merge",
        cursor="diubah",
        reconcile="PT0S",
        max_shrink_share=1,
        **custom,
    )


@FEW
@given(history=st.lists(st.lists(changes, max_size=4), min_size=1, max_size=5))
def test_a_row_is_marked_as_deleted_exactly_when_its_key_is_gone(
    shared_loads: Loads, history: list[list[tuple[str, str | None, int]]]
) -> None:
    contract = reconciled(shared_loads)
    shared_loads.forget(contract)
    source, ever = Rows(), set[str]()
    for night in history:
        for change in night:
            source.apply(*change)
        batch = shared_loads.load(contract, source.read)
        raw = dict(shared_loads.raw(contract, "kunci", "deleted_at is null"))
        ever |= raw.keys()
        assert {k for k, alive in raw.items() if alive} == ever & source.rows.keys()
        # The first load reads all; then the reading of keys counts what the cursor can't find.
        without = [k for k, (_, at) in source.rows.items() if not re.match("20", at or "")]
        if batch.unreachable is not None:
            assert batch.unreachable == len(without)
    waiting = {row[0] for row in shared_loads.run("select row_key from quarantine.row where state = 'open'")}
    assert waiting & ever <= source.rows.keys(), "a deleted row has no open entry in quarantine"


def test_equally_refused_rows_of_two_persons_are_two_rows_in_quarantine(
    shared_loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)
    contract = shared_loads.contract(
        column("orang", primaryKey=True, classification="pribadi", pseudonymise="uji"),
        column("nilai", "integer"),
        write_disposition="merge",
        reconcile="P1D",
        max_quarantine_share=1,
        max_shrink_share=1,
    )
    shared_loads.forget(contract)
    shared_loads.load(contract, lambda *_: [["Budi", "1"], ["Sari", "1"], ["Wati", "1"], ["Yusuf", "1"]])
    batch = shared_loads.load(contract, lambda *_: [["Budi", "x"], ["Sari", "x"], ["Wati", "1"]])
    assert (batch.quarantined, batch.deleted) == (2, 1)
    assert shared_loads.run("select count(distinct row_key) from quarantine.row where state = 'open'") == [
        (2,)
    ]
    again = shared_loads.load(contract, lambda *_: [["Budi", "x"], ["Sari", "x"], ["Wati", "1"]])
    assert (again.deleted, shared_loads.run("select count(*) from quarantine.row")) == (0, [(2,)])


@pytest.fixture(scope="module")
def nights(module_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    made = Nights(module_warehouse_url, tmp_path_factory.mktemp("kontrak"))
    yield made
    made.connection.close()


def test_a_date_of_mariadb_that_becomes_zero_or_empty_deletes_no_row(
    nights: Nights, mariadb_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table(mariadb_url, monkeypatch)
    contract = nights.contract(
        column("k", "integer", primaryKey=True),
        column("nilai", "integer", logicalTypeOptions={"minimum": 0}),
        column("w", "timestamp", required=True),
        write_disposition="merge",
        cursor="w",
        reconcile="PT0S",
        max_quarantine_share=1,
    )
    nights.forget()
    table.make("k int primary key, nilai int, w datetime")
    table.add((k, k, "2026-09-01 10:00:00") for k in range(1, 6))
    nights.load(contract)
    table.run(
        "set session sql_mode = ''",
        "update sumber set w = null where k = 1",
        "update sumber set w = '0000-00-00' where k = 2",
        "update sumber set nilai = -1, w = '2026-09-02 10:00:00' where k = 3",
        "delete from sumber where k = 4",
        "insert into sumber values (6, 6, null)",
    )
    done = nights.load(contract)
    assert done.batch is not None and done.batch.error is None
    assert nights.run("select k, deleted_at is null from raw.uji__data order by k") == [
        (1, True), (2, True), (3, True), (4, False), (5, True),
    ]  # fmt: skip
    assert (done.batch.quarantined, done.batch.unreachable) == (1, 3)
    assert nights.run("select row_key from quarantine.row where state = 'open'") == [("3",)]
    nights.load(contract)
    assert nights.run("select count(*) from raw.uji__data where deleted_at is null") == [(4,)]
    assert nights.run(
        "select unexpected, passed from ops.check_result where check_name = 'baris_tak_terjangkau'"
        " order by at desc limit 1"
    ) == [(3, False)]


def test_a_refused_row_with_a_personal_number_as_key_is_not_marked_as_deleted(
    shared_loads: Loads,
) -> None:
    """Quarantine masks such a key, and still finds its row in raw."""
    nip = "198001012005011001"
    contract = shared_loads.contract(
        column("nip", primaryKey=True, classification="terbatas"),
        column("gaji", "integer"),
        write_disposition="merge",
        reconcile="PT20H",
        max_quarantine_share=1.0,
    )
    shared_loads.forget(contract)
    shared_loads.load(contract, lambda *_: [(nip, "1"), ("198001012005011002", "2")])
    for _ in range(2):
        batch = shared_loads.load(contract, lambda *_: [(nip, "satu"), ("198001012005011002", "2")])
        assert (batch.quarantined, batch.deleted) == (1, 0)
    assert shared_loads.run("select count(*) from raw.uji__data where deleted_at is null") == [(2,)]
    ((shown,),) = shared_loads.run("select row_key from quarantine.row")
    assert shown.startswith("*** ") and nip not in shown
    shared_loads.load(contract, lambda *_: [(nip, "1"), ("198001012005011002", "2")])
    assert shared_loads.run("select state from quarantine.row") == [("resolved",)]


def test_for_an_empty_raw_everything_is_read_whatever_the_watermark(shared_loads: Loads) -> None:
    contract = shared_loads.contract(
        column("id", "integer", primaryKey=True),
        column("diubah", "timestamp", required=True),
        write_disposition="merge",
        cursor="diubah",
    )
    requested: list[str | None] = []

    def rows(_: object, since: str | None) -> list[tuple[str, str]]:
        requested.append(since)
        return [("1", "2024-05-01 10:00:00")]

    shared_loads.forget(contract)
    shared_loads.load(contract, rows)
    shared_loads.run("truncate raw.uji__data")
    shared_loads.load(contract, rows)
    assert requested == [None, None]
    assert shared_loads.run("select count(*) from raw.uji__data") == [(1,)]
