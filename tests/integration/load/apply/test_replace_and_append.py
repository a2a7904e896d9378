"""Replace (of tables and windows) and append, compared with a model in plain Python.

Hypothesis makes the histories (tests/support/histories.py). Each load is run again, and must then change nothing.

Not here: upserts (test_merge.py), versions (test_history.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.errors import LoadError
from tests.support.contracts import column, upload
from tests.support.histories import (
    FEW,
    KEYS,
    T0,
    Source,
    again_changes_nothing,
    histories,
    keyed,
)
from tests.support.loads import Loads, Row


@FEW
@given(history=histories)
def test_a_replace_makes_raw_equal_to_the_source(
    shared_loads: Loads, history: list[list[tuple[str, int | None, int]]]
) -> None:
    contract = keyed(shared_loads)
    shared_loads.forget(contract)
    source = Source()
    for night in history:
        before = dict(source.rows)
        for change in night:
            source.apply(change)
        batch = shared_loads.load(contract, source.read)
        assert {r[0]: r[1] for r in shared_loads.raw(contract, "kunci", "nilai")} == {
            k: v for k, (v, _) in source.rows.items()
        }
        changed = [k for k, row in source.rows.items() if before.get(k) != row]
        assert (batch.loaded, batch.deleted) == (len(changed), len(set(before) - set(source.rows)))
    again_changes_nothing(shared_loads, contract, source)


log_rows = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), max_size=6)


@FEW
@given(nights=st.lists(log_rows, min_size=1, max_size=4), with_cursor=st.booleans())
def test_an_append_has_every_row_of_a_growing_log_as_often_as_it_came(
    shared_loads: Loads, nights: list[list[tuple[int, int]]], with_cursor: bool
) -> None:
    """The log's clock stands still at times: rows with the time of the watermark come before and after a load."""
    more = {"cursor": "waktu"} if with_cursor else {}
    contract = shared_loads.contract(
        column("isi", "integer"),
        column("waktu", "timestamp", required=True),
        write_disposition="append",
        **more,
    )
    shared_loads.forget(contract)
    log: list[tuple[int, datetime]] = []
    clock = 0

    def read(_: Contract, since: str | None) -> list[Row]:
        return [
            [str(content), at.isoformat()]
            for content, at in log
            if since is None or at >= datetime.fromisoformat(since)
        ]

    for night in nights:
        for content, step in night:
            clock += step // 3  # most rows share their minute with the one before
            log.append((content, T0 + timedelta(minutes=clock)))
        shared_loads.load(contract, read)
        assert Counter(shared_loads.raw(contract, "isi", "waktu")) == Counter(log)
    again = shared_loads.load(contract, read)
    assert (again.state, again.loaded) == ("unchanged", 0)


def test_an_append_changes_no_row_and_warns_of_changed_values(shared_loads: Loads) -> None:
    contract = shared_loads.contract(
        column("kunci", primaryKey=True), column("nilai", "integer"), write_disposition="append"
    )
    shared_loads.forget(contract)
    shared_loads.load(contract, lambda *_: [["a", "1"]])
    batch = shared_loads.load(contract, lambda *_: [["a", "2"], ["b", "1"]])
    assert batch.loaded == 1 and "1 baris datang lagi dengan nilai lain" in batch.warnings[0]
    assert shared_loads.raw(contract, "kunci", "nilai") == [("a", 1), ("b", 1)]


file_contents = st.lists(st.integers(0, 2), min_size=1, max_size=3)


@FEW
@given(
    deliveries=st.lists(
        st.tuples(st.sampled_from(["jan.csv", "feb.csv", "salinan.csv"]), file_contents), max_size=6
    )
)
def test_each_appended_file_is_in_raw_once_in_its_latest_content(
    shared_loads: Loads, deliveries: list[tuple[str, list[int]]]
) -> None:
    contract = shared_loads.contract(
        column("nilai", "integer"),
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"},
        write_disposition="append",
    )
    shared_loads.forget(contract)
    model: dict[str, list[int]] = {}
    for name, content in deliveries:
        batch = shared_loads.load(
            contract, lambda *_, content=content: [[str(v)] for v in content], file=name
        )
        if content in model.values():  # the same content is loaded once, whatever its name
            assert batch.state == "unchanged"
        else:
            model[name] = content
        found = Counter(v for (v,) in shared_loads.run("select nilai from raw.uji__data"))
        assert found == Counter(v for values in model.values() for v in values)


def test_a_key_of_two_appended_files_stops_the_second(shared_loads: Loads) -> None:
    contract = shared_loads.contract(
        column("kunci", primaryKey=True),
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"},
        write_disposition="append",
    )
    shared_loads.forget(contract)
    shared_loads.load(contract, lambda *_: [["a"]], file="jan.csv")
    with pytest.raises(LoadError, match=r"berkas feb\.csv punya baris yang kuncinya"):
        shared_loads.load(contract, lambda *_: [["a"], ["b"]], file="feb.csv")
    assert shared_loads.run("select kunci from raw.uji__data") == [("a",)]


days = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=5)


@FEW
@given(nights=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), days), min_size=1, max_size=4))
def test_a_window_replaces_its_days_and_leaves_the_others(
    shared_loads: Loads, nights: list[tuple[int, int, list[tuple[int, int]]]]
) -> None:
    start = date(2024, 5, 1)
    contract = shared_loads.contract(
        column("hari", "date"),
        column("nilai", "integer"),
        partition={"column": "hari", "every": "daily", "start": "2024-05-01"},
    )
    shared_loads.forget(contract)
    expected: Counter[tuple[int, int]] = Counter()
    for first, last, rows in nights:
        low, high = min(first, last), max(first, last)
        inside = [r for r in rows if low <= r[0] <= high]
        window = Window(start + timedelta(days=low), start + timedelta(days=high))
        published = any(low <= day <= high for day, _ in expected)

        def read(*_: Any, inside: Sequence[tuple[int, int]] = inside) -> list[Row]:
            return [[(start + timedelta(days=day)).isoformat(), str(value)] for day, value in inside]

        if published and not inside:
            with pytest.raises(LoadError, match="tidak memberi satu baris pun"):
                shared_loads.load(contract, read, window=window)
            continue
        shared_loads.load(contract, read, window=window)
        kept = {r: n for r, n in expected.items() if not low <= r[0] <= high}
        expected = Counter(kept) + Counter(inside)
        found = Counter(((r[0] - start).days, r[1]) for r in shared_loads.raw(contract, "hari", "nilai"))
        assert found == expected


moves = st.lists(st.tuples(st.sampled_from(KEYS), st.one_of(st.none(), st.integers(0, 4))), max_size=4)


@FEW
@given(nights=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), moves), min_size=1, max_size=5))
def test_a_row_that_moves_between_windows_is_in_raw_once(
    shared_loads: Loads, nights: list[tuple[int, int, list[tuple[str, int | None]]]]
) -> None:
    """Each key is on one day. Rows move between days, disappear and come back; each night reads some days."""
    start = date(2024, 5, 1)
    contract = shared_loads.contract(
        column("kunci", primaryKey=True),
        column("hari", "date"),
        partition={"column": "hari", "every": "daily", "start": "2024-05-01"},
    )
    shared_loads.forget(contract)
    source: dict[str, int] = {}
    expected: dict[str, int] = {}
    for first, last, changed in nights:
        for key, day in changed:
            source.pop(key, None)
            if day is not None:
                source[key] = day
        low, high = min(first, last), max(first, last)
        inside = {k: day for k, day in source.items() if low <= day <= high}
        window = Window(start + timedelta(days=low), start + timedelta(days=high))
        before = dict(expected)
        expected = {k: day for k, day in expected.items() if not low <= day <= high} | inside

        def read(*_: Any, inside: dict[str, int] = inside) -> list[Row]:
            return [[key, (start + timedelta(days=day)).isoformat()] for key, day in inside.items()]

        batch = shared_loads.load(contract, read, window=window, allow_empty=True)
        assert dict(shared_loads.raw(contract, "kunci", "hari")) == {
            k: start + timedelta(days=day) for k, day in expected.items()
        }
        assert batch.loaded == sum(before.get(k) != day for k, day in inside.items())
        assert batch.deleted == len(set(before) - set(expected))
        moved = sum(k in before and not low <= before[k] <= high for k in inside)
        assert [w for w in batch.warnings if "yang tadinya di luar" in w] == [
            f"{moved} baris yang tadinya di luar jendela {window.start} s.d. {window.end} kini ada di dalamnya: sumber"
            " mengubah tanggalnya, dan setiap baris tetap ada satu kali"
        ] * bool(moved)


def test_an_empty_window_is_reported_each_night_until_it_is_allowed(shared_loads: Loads) -> None:
    contract = shared_loads.contract(
        column("kunci", primaryKey=True),
        column("hari", "date"),
        partition={"column": "hari", "every": "daily", "start": "2024-05-01"},
    )
    shared_loads.forget(contract)

    def day(number: int) -> Window:
        return Window(date(2024, 5, number), date(2024, 5, number))

    shared_loads.load(contract, lambda *_: [["a", "2024-05-01"]], window=day(1))
    shared_loads.load(contract, lambda *_: [["b", "2024-05-02"]], window=day(2))
    for _ in range(2):
        with pytest.raises(
            LoadError,
            match=r"tidak memberi satu baris pun untuk jendela 2024-05-01 .*job jendela_kosong_diterima",
        ):
            shared_loads.load(contract, lambda *_: [], window=day(1))
    for number in (3, 4):  # later nights do not read the empty day
        night = shared_loads.load(
            contract, lambda *_, n=number: [[f"k{n}", f"2024-05-0{n}"]], window=day(number)
        )
        assert [
            w for w in night.warnings if "sumber tidak memberi baris untuk 2024-05-01, sedangkan raw" in w
        ]
    agreed = shared_loads.load(contract, lambda *_: [], window=day(1), allow_empty=True)
    assert (agreed.state, agreed.deleted, agreed.warnings) == ("loaded", 1, [])
    with pytest.raises(LoadError, match="tidak memberi satu baris pun"):
        shared_loads.load(contract, lambda *_: [], window=day(2))
    # The row has moved, so raw has no row left of its old day.
    moved = shared_loads.load(contract, lambda *_: [["b", "2024-05-05"]], window=day(5))
    assert not [w for w in moved.warnings if "sedangkan raw masih punya" in w]
    assert shared_loads.raw(contract, "kunci") == [("b",), ("k3",), ("k4",)]


def test_a_full_refresh_replaces_all_rows_and_accepts_a_changed_type(shared_loads: Loads) -> None:
    contract = keyed(shared_loads, write_disposition="merge", cursor="diubah")
    shared_loads.forget(contract)
    source = Source({"a": (1, 0), "b": (1, 9)})
    shared_loads.load(contract, source.read)
    source.apply(("a", 7, 0))
    source.apply(("b", None, 0))
    source.apply(("c", 1, 3))
    assert shared_loads.load(contract, source.read).read == 0
    batch = shared_loads.load(contract, source.read, full_refresh=True)
    assert (batch.loaded, batch.deleted) == (2, 1)
    assert shared_loads.raw(contract, "kunci", "nilai") == [("a", 7), ("c", 1)]
    wider = shared_loads.contract(
        column("kunci", primaryKey=True),
        column("nilai", "bigint"),
        column("diubah", "timestamp", required=True),
        write_disposition="merge",
        cursor="diubah",
    )
    with pytest.raises(LoadError, match="kolom kontrak tidak lagi sama"):
        shared_loads.load(wider, source.read)
    assert shared_loads.load(wider, source.read, full_refresh=True).loaded == 2
    assert shared_loads.run("select pg_typeof(nilai)::text from raw.uji__data limit 1") == [("bigint",)]


def test_a_full_refresh_brings_back_a_row_that_was_marked_as_deleted(shared_loads: Loads) -> None:
    contract = keyed(shared_loads, write_disposition="merge", cursor="diubah", reconcile="PT0S")
    shared_loads.forget(contract)
    source = Source({"a": (1, 0), "b": (1, 9)})
    shared_loads.load(contract, source.read)
    source.apply(("a", None, 0))
    shared_loads.load(contract, source.read)
    assert shared_loads.raw(contract, "kunci", "deleted_at is null") == [("a", False), ("b", True)]
    source.apply(("a", 1, 0))
    assert shared_loads.load(contract, source.read, full_refresh=True).loaded == 1
    assert shared_loads.raw(contract, "kunci", "deleted_at is null") == [("a", True), ("b", True)]


def test_an_exchange_keeps_indexes_that_others_made(shared_loads: Loads) -> None:
    contract = keyed(shared_loads)
    shared_loads.forget(contract)
    source = Source({"a": (1, 0)})
    shared_loads.load(contract, source.read)
    shared_loads.run("create index nilai_pertama on raw.uji__data (nilai) where nilai > 0")
    shared_loads.run(
        'create unique index "Kunci Kecil" on raw.uji__data (lower(kunci) text_pattern_ops) include (nilai)'
    )
    before = shared_loads.run(
        "select indexdef from pg_indexes where schemaname = 'raw' and indexname !~ 'pkey' order by 1"
    )
    for value in (2, 3):
        source.apply(("a", value, 0))
        assert shared_loads.load(contract, source.read).loaded == 1
    found = shared_loads.run(
        "select indexdef from pg_indexes where schemaname = 'raw' and indexname !~ 'pkey' order by 1"
    )
    assert found == before and len(found) == 2
