"""Versions of rows (scd2), compared with a model in plain Python.

Hypothesis makes the histories (tests/support/histories.py). Each load is run again, and must then change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support.contracts import column
from tests.support.histories import (
    API,
    FEW,
    KEYS,
    T0,
    Source,
    again_changes_nothing,
    histories,
    keyed,
)
from tests.support.loads import Loads, Row


@dataclass
class Version:
    """One version in the model. begin: its minute, None for the time of a load; clock: the row's own minute."""

    value: int
    begin: int | None
    clock: int
    ended: bool = False


@FEW
@given(history=histories)
def test_a_history_has_a_version_for_every_change_and_no_two_at_once(
    shared_loads: Loads, history: list[list[tuple[str, int | None, int]]]
) -> None:
    contract = keyed(
        shared_loads, write_disposition="merge", merge_strategy="scd2", cursor="diubah", reconcile="PT0S"
    )
    shared_loads.forget(contract)
    source, mark = Source({"tetap": (0, 0)}), None
    model: dict[str, list[Version]] = {}
    for night in [*history, []]:  # the last load reads what a reconciliation found overlooked
        for change in night:
            source.apply(change)
        since = mark
        for key, (value, minute) in source.rows.items():
            if since is not None and minute < since:
                continue
            versions = model.setdefault(key, [])
            current = versions[-1] if versions and not versions[-1].ended else None
            if current is None:
                versions.append(Version(value, None if versions else minute, minute))
            elif current.begin is None or minute <= current.begin:
                # It began at a load, and the source's clock has not reached that time.
                current.value, current.clock = value, minute
            elif (value, minute) != (current.value, current.clock):
                current.ended = True
                versions.append(Version(value, minute, minute))
        seen = [m for _, m in source.rows.values() if since is None or m >= since]
        mark = max([*seen, *([] if mark is None else [mark])])
        for key, versions in model.items():
            if key not in source.rows:
                versions[-1].ended = True
        # Overlooked keys are read again: they have no current version, or one of another clock.
        now = {k: v[-1].clock for k, v in model.items() if not v[-1].ended}
        behind = [m for k, (_, m) in source.rows.items() if now.get(k) != m]
        mark = min([mark, *behind])
        shared_loads.load(contract, source.read)
    found: dict[str, list[tuple[Any, ...]]] = {}
    for key, *row in shared_loads.raw(contract, "kunci", "valid_from", "valid_to", "is_current", "nilai"):
        found.setdefault(key, []).append(tuple(row))
    assert {k: [(v.value, not v.ended) for v in versions] for k, versions in model.items()} == {
        k: [(r[3], r[2]) for r in rows] for k, rows in found.items()
    }
    for rows in found.values():
        for (begin, end, current, _), following in zip(rows, [*rows[1:], None], strict=True):
            assert current == (end is None)
            assert end is None or begin < end
            assert following is None or (end is not None and end <= following[0])
    again_changes_nothing(shared_loads, contract, source)


batches = st.lists(
    st.lists(st.tuples(st.sampled_from(KEYS[:2]), st.integers(0, 9), st.integers(0, 2)), max_size=6),
    min_size=1,
    max_size=4,
)


@FEW
@given(nights=batches, api=st.booleans())
def test_every_version_of_a_key_in_one_reading_is_kept_in_the_order_of_its_clock(
    shared_loads: Loads, nights: list[list[tuple[str, int, int]]], api: bool
) -> None:
    """A log of changes has a row for each (key, minute). Of several in one load the first counts."""
    more: dict[str, Any] = {"server": API, "extract": {"path": "/x"}} if api else {}
    contract = keyed(
        shared_loads, write_disposition="merge", merge_strategy="scd2", cursor="diubah", lag="PT9M", **more
    )
    shared_loads.forget(contract)
    model: dict[str, list[list[int]]] = {}
    for night in nights:
        reading: dict[tuple[str, int], int] = {}
        for key, minute, value in night:
            reading.setdefault((key, minute), value)
        for key in {k for k, _ in reading}:
            versions = model.get(key)
            rows = sorted([m, v] for (k, m), v in reading.items() if k == key)
            if versions is None:
                model[key] = rows
                continue
            # A row of its own time corrects the current version. So does an earlier row of a database, which is its
            # present state if there is no row of the current time.
            last = versions[-1][0]
            own = [v for m, v in rows if (m == last if api else m <= last)]
            if own:
                versions[-1][1] = own[-1]
            versions += [[m, v] for m, v in rows if m > last]
        unique = [[k, str(v), (T0 + timedelta(minutes=m)).isoformat()] for (k, m), v in reading.items()]
        shared_loads.load(contract, lambda *_, unique=unique: unique)
    found: dict[str, list[tuple[Any, ...]]] = {}
    for key, begin, end, current, value in shared_loads.raw(
        contract, "kunci", "valid_from::timestamp", "valid_to::timestamp", "is_current", "nilai"
    ):
        found.setdefault(key, []).append((begin, end, current, value))
    expected = {
        key: [
            (
                T0 + timedelta(minutes=minute),
                T0 + timedelta(minutes=following[0]) if following else None,
                following is None,
                value,
            )
            for (minute, value), following in zip(versions, [*versions[1:], None], strict=True)
        ]
        for key, versions in model.items()
    }
    assert found == expected


def test_a_version_that_comes_twice_goes_to_quarantine(shared_loads: Loads) -> None:
    contract = keyed(shared_loads, write_disposition="merge", merge_strategy="scd2", cursor="diubah")
    shared_loads.forget(contract)
    rows: list[Row] = [
        ["a", "2", "2024-05-02"],
        ["a", "1", "2024-05-01"],
        ["a", "3", "2024-05-03"],
        ["a", "9", "2024-05-02"],
    ]
    batch = shared_loads.load(contract, lambda *_: rows)
    assert (batch.loaded, batch.quarantined) == (3, 1)
    assert shared_loads.run(
        "select valid_from::date::text, valid_to::date::text, is_current from raw.uji__data order by 1"
    ) == [
        ("2024-05-01", "2024-05-02", False),
        ("2024-05-02", "2024-05-03", False),
        ("2024-05-03", None, True),
    ]
    again = shared_loads.load(contract, lambda *_: rows[:3])
    assert (again.state, again.loaded) == ("unchanged", 0)


def test_a_version_begins_and_ends_by_the_clock_of_the_source(shared_loads: Loads) -> None:
    contract = keyed(shared_loads, write_disposition="merge", merge_strategy="scd2", cursor="diubah")
    shared_loads.forget(contract)
    source = Source({"a": (1, 0), "b": (1, 0)})
    shared_loads.load(contract, source.read)
    source.apply(("a", 2, 5))
    batch = shared_loads.load(contract, source.read)
    assert (batch.loaded, batch.deleted) == (1, 0)
    rows = shared_loads.raw(
        contract, "kunci", "nilai", "valid_from::timestamp::text", "valid_to::timestamp::text", "is_current"
    )
    assert rows == [
        ("a", 1, "2024-05-01 00:00:00", "2024-05-01 00:05:00", False),
        ("a", 2, "2024-05-01 00:05:00", None, True),
        ("b", 1, "2024-05-01 00:00:00", None, True),
    ]


def test_a_key_that_goes_and_comes_back_has_two_versions_with_a_gap(shared_loads: Loads) -> None:
    contract = shared_loads.contract(
        column("kunci", primaryKey=True),
        column("nilai", "integer"),
        write_disposition="merge",
        merge_strategy="scd2",
    )
    shared_loads.forget(contract)
    both: list[Row] = [["a", "1"], ["b", "1"]]
    for rows in (both, both[1:], both[1:], both):
        batch = shared_loads.load(contract, lambda *_, rows=rows: rows)
    assert batch.loaded == 1
    found = shared_loads.raw(contract, "kunci", "valid_from", "valid_to", "is_current")
    assert [(r[0], r[3]) for r in found] == [("a", False), ("a", True), ("b", True)]
    assert found[0][2] < found[1][1]
    assert shared_loads.load(contract, lambda *_: both).state == "unchanged"


def test_columns_with_names_that_our_statements_use_have_versions(loads: Loads) -> None:
    """An auxiliary column of a statement never has the name of a column of a contract."""
    names = (
        "begin",
        "ended",
        "follows",
        "any_follows",
        "place",
        "staged",
        "position",
        "is_duplicate",
        "kept",
    )
    contract = loads.contract(
        column("kunci", primaryKey=True),
        *(column(name) for name in names),
        write_disposition="merge",
        merge_strategy="scd2",
    )
    for value in ("a", "b", "b"):
        loads.load(contract, lambda *_, value=value: [["1", *[value] * len(names)]])
    assert loads.run('select "begin", place, is_current from raw.uji__data order by valid_from') == [
        ("a", "a", False),
        ("b", "b", True),
    ]
