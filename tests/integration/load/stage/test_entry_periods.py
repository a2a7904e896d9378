"""A load of a window or of an upload's periods answers for the quarantined rows of the days that it replaces."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.load.approval.decide import APPROVED, Decision, decide
from pipelines.load.raw_summary import quarantined_by_day
from tests.support.contracts import column, upload
from tests.support.histories import FEW
from tests.support.loads import Loads, Row, Rows

START = date(2024, 5, 1)
DAILY = {"column": "hari", "every": "daily", "start": "2024-05-01"}


def windowed(loads: Loads, *columns: dict[str, Any], **custom: Any) -> Contract:
    custom = {"partition": DAILY, "max_quarantine_share": 1.0, "max_shrink_share": 1} | custom
    contract = loads.contract(*columns, **custom)
    loads.forget(contract)
    return contract


def gives(*rows: Row) -> Rows:
    return lambda *_: rows


def days(first: int, last: int | None = None) -> Window:
    return Window(date(2024, 5, first), date(2024, 5, last or first))


def waiting(loads: Loads, *cells: str) -> list[tuple[str | None, ...]]:
    """These cells of the open entries, sorted."""
    shown = ", ".join(f"row ->> '{name}'" for name in cells)
    return loads.run(f"select {shown} from quarantine.row where state = 'open' order by 1, {len(cells)}")  # noqa: S608


NIGHTS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(0, 4),
        st.lists(
            st.tuples(
                st.sampled_from("abcd"), st.integers(-1, 4), st.sampled_from(["1", "dua", "tiga", None])
            ),
            max_size=5,
        ),
    ),
    min_size=1,
    max_size=6,
)
"""The first and the last day that a night reads, and what changed before: code, day (-1: no day), value (None: gone)."""


@FEW
@given(nights=NIGHTS, with_key=st.booleans())
def test_open_entries_of_a_window_are_the_rows_that_its_last_reading_refused(
    shared_loads: Loads,
    nights: list[tuple[int, int, list[tuple[str, int, str | None]]]],
    with_key: bool,
) -> None:
    """Rows are corrected, get another wrong value, move to another day, lose their day, and go.

    The source compares texts: a row without a day is given with each window that has the second day.
    """
    contract = windowed(
        shared_loads,
        column("kode", primaryKey=with_key),
        column("hari", "date"),
        column("nilai", "integer"),
    )
    source: dict[str, tuple[int, str]] = {}
    expected: dict[tuple[str, int, str], tuple[int, int]] = {}
    for first, last, changes in nights:
        for code, day, value in changes:
            source.pop(code, None)
            if value is not None:
                source[code] = day, value
        low, high = min(first, last), max(first, last)

        def is_read(day: int, low: int = low, high: int = high) -> bool:
            return low <= (1 if day < 0 else day) <= high

        read = [(code, *row) for code, row in source.items() if is_read(row[0])]
        refused = [row for row in read if row[1] < 0 or row[2] != "1"]
        staged = {row[0] for row in read} - {row[0] for row in refused}
        for entry, (seen_low, seen_high) in list(expected.items()):
            covered = low <= seen_low and seen_high <= high
            if covered or (entry[1] >= 0 and is_read(entry[1])) or (with_key and entry[0] in staged):
                del expected[entry]
        expected |= dict.fromkeys(refused, (low, high))

        def rows(*_: Any, read: Sequence[tuple[str, int, str]] = tuple(read)) -> list[Row]:
            return [
                [code, str(START + timedelta(days=day)) if day >= 0 else "2024-05-02x", value]
                for code, day, value in read
            ]

        window = Window(START + timedelta(days=low), START + timedelta(days=high))
        shared_loads.load(contract, rows, window=window, allow_empty=True)
        found = set(waiting(shared_loads, "kode", "hari", "nilai"))
        assert found == {
            (code, str(START + timedelta(days=day)) if day >= 0 else "2024-05-02x", value)
            for code, day, value in expected
        }


def test_a_row_whose_key_was_wrong_is_resolved_when_its_day_is_read_again(shared_loads: Loads) -> None:
    contract = windowed(shared_loads, column("id", "integer", primaryKey=True), column("hari", "date"))
    shared_loads.load(contract, gives(("1", "2024-05-01"), ("satu", "2024-05-01")), window=days(1))
    shared_loads.load(contract, gives(("dua", "2024-05-02")), window=days(2))
    shared_loads.load(contract, gives(("1", "2024-05-01"), ("11", "2024-05-01")), window=days(1))
    assert waiting(shared_loads, "id") == [("dua",)]


def test_a_time_belongs_to_its_day_and_a_month_to_its_window(shared_loads: Loads) -> None:
    contract = windowed(
        shared_loads,
        column("hari", "timestamptz"),
        column("nilai", "integer"),
        partition=DAILY | {"every": "monthly"},
    )
    may = Window(date(2024, 5, 1), date(2024, 5, 31))
    # In WITA the second row is of June.
    rows = ("2024-05-31T15:59:59Z", "x"), ("2024-05-31T16:00:00Z", "x")
    shared_loads.load(contract, gives(*rows), full_refresh=True)
    assert len(waiting(shared_loads, "hari")) == 2
    shared_loads.load(contract, gives(("2024-05-31T15:59:59Z", "1")), window=may)
    assert waiting(shared_loads, "hari") == [(rows[1][0],)]
    by_day = quarantined_by_day(contract, Window(date(2024, 6, 1), date(2024, 6, 30)))
    assert shared_loads.connection.execute(by_day).fetchall() == [(date(2024, 6, 1), 1)]


def test_a_row_whose_day_is_hidden_belongs_to_the_window_that_brought_it(
    shared_loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)
    contract = windowed(
        shared_loads,
        column("nik", classification="pribadi", pseudonymise="uji"),
        column("hari", "date", logicalTypeOptions={"minimum": "2024-05-01"}),
        column("nilai", "integer"),
    )
    bad, good = ("a", "kemarin", "1"), ("b", "2024-05-01", "1")
    shared_loads.load(contract, gives(bad, good), full_refresh=True)
    shared_loads.load(contract, gives(good), window=days(1, 3))
    # Nobody knows with which days the source gives the row: a full read brought it.
    assert waiting(shared_loads, "hari") == [("***",)]
    shared_loads.load(contract, gives(bad, good), window=days(1, 3))
    shared_loads.load(contract, gives(good), window=days(1, 2))
    assert waiting(shared_loads, "hari") == [("***",)]
    shared_loads.load(contract, gives(good), window=days(1, 3))
    assert waiting(shared_loads, "hari") == []


def test_a_window_that_waits_resolves_its_entries_when_it_is_approved(loads: Loads) -> None:
    columns = column("hari", "date"), column("nilai", "integer")
    contract = windowed(loads, *columns, approval="required")
    bad = ("2024-05-01", "x"), ("2024-05-01", "y"), ("2024-05-02", "z")
    first = loads.load(contract, gives(("2024-05-01", "1"), *bad), window=days(1, 2))
    decide(loads.connection, [contract], Decision(first.batch_id, APPROVED, "siti", "cli"))
    held = loads.load(contract, gives(("2024-05-01", "2"), bad[0]), window=days(1))
    assert held.state == "waiting" and len(waiting(loads, "nilai")) == 3
    decide(loads.connection, [contract], Decision(held.batch_id, APPROVED, "siti", "cli"))
    assert waiting(loads, "nilai") == [("x",), ("z",)]


def test_a_rejected_window_resolves_nothing(shared_loads: Loads) -> None:
    contract = windowed(shared_loads, column("hari", "date"), column("nilai", "integer"))
    shared_loads.load(contract, gives(("2024-05-01", "x")), window=days(1))

    class Refused:
        passed = False
        summary = "ditolak"

    shared_loads.load(contract, gives(("2024-05-01", "1")), window=days(1), gate=lambda _: Refused())
    assert waiting(shared_loads, "nilai") == [("x",)]


# -- periods of uploads ---------------------------------------------------------------------------------------


@pytest.fixture
def yearly(loads: Loads) -> Contract:
    return windowed(
        loads,
        column("tahun", "integer", required=True),
        column("nilai", "integer"),
        server=upload("uji/data", "csv"),
        extract={"format": "csv", "pattern": "*.csv"},
        partition={"column": "tahun", "every": "yearly", "start": "2020-01-01"},
    )


def test_a_file_answers_for_the_periods_that_it_takes_from_another(loads: Loads, yearly: Contract) -> None:
    rows = ("2022", "1"), ("2022", "dua"), ("2023", "1"), ("2023", "tiga"), ("2O23", "1")
    loads.load(yearly, gives(*rows), file="a.csv")
    loads.load(yearly, gives(("2023", "2"), ("2023", "empat")), file="b.csv")
    # The rows of 2023 are those of b.csv. Of which year "2O23" is, nobody knows.
    assert waiting(loads, "tahun", "nilai") == [("2022", "dua"), ("2023", "empat"), ("2O23", "1")]
    loads.load(yearly, gives(("2022", "1")), file="a.csv")
    assert waiting(loads, "tahun", "nilai") == [("2023", "empat")]


def test_a_file_that_is_read_for_some_periods_leaves_entries_of_others(
    loads: Loads, yearly: Contract
) -> None:
    rows = ("2022", "1"), ("2022", "dua"), ("2023", "1"), ("2023", "tiga"), ("2O23", "1")
    loads.load(yearly, gives(*rows), file="a.csv")
    year = Window(date(2022, 1, 1), date(2022, 12, 31))
    loads.load(yearly, gives(("2022", "1"), ("2022", "2")), file="b.csv", window=year)
    assert waiting(loads, "tahun", "nilai") == [("2023", "tiga"), ("2O23", "1")]
    loads.load(yearly, gives(*rows), file="a.csv", window=year)
    assert waiting(loads, "tahun", "nilai") == [("2022", "dua"), ("2023", "tiga"), ("2O23", "1")]
    # The load of 2022 from a.csv has read the row without a year, that of another file would not have.
    loads.load(yearly, gives(("2022", "1")), file="b.csv", window=year)
    assert waiting(loads, "tahun", "nilai") == [("2023", "tiga"), ("2O23", "1")]
    loads.load(yearly, gives(("2022", "1")), file="a.csv", window=year)
    assert waiting(loads, "tahun", "nilai") == [("2023", "tiga")]
