"""Windows of days, months, semesters and years: their first and last day, their key, and which of them a night loads."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from pipelines.contracts import windows
from pipelines.contracts.files import read_contract
from pipelines.contracts.windows import Cadence, Window
from tests.support.contracts import column, database, document, make, upload, write

DAILY, MONTHLY = Cadence.DAILY, Cadence.MONTHLY


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_window_of_a_month_goes_from_its_first_to_its_last_day(day: date) -> None:
    first, last = windows.begin(MONTHLY, day), windows.end(MONTHLY, day)
    assert first <= day <= last
    assert first.day == 1
    assert (last.toordinal() + 1) == date(day.year + day.month // 12, day.month % 12 + 1, 1).toordinal()
    assert windows.days(MONTHLY, windows.key(MONTHLY, day), windows.key(MONTHLY, day)) == (first, last)


@given(st.sampled_from(list(Cadence)), st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_windows_of_a_cadence_follow_each_other_without_a_gap(every: Cadence, day: date) -> None:
    first, last = windows.begin(every, day), windows.end(every, day)
    assert first <= day <= last
    assert windows.begin(every, last) == first
    assert windows.begin(every, last + timedelta(days=1)) == last + timedelta(days=1)
    assert windows.days(every, windows.key(every, day), windows.key(every, day)) == (first, last)


@pytest.mark.parametrize(
    ("every", "day", "expected"),
    [
        (Cadence.SEMESTER, date(2026, 6, 30), (date(2026, 1, 1), date(2026, 6, 30), "2026-01")),
        (Cadence.SEMESTER, date(2026, 12, 31), (date(2026, 7, 1), date(2026, 12, 31), "2026-07")),
        (Cadence.YEARLY, date(2028, 2, 29), (date(2028, 1, 1), date(2028, 12, 31), "2028")),
    ],
)
def test_semesters_begin_in_january_and_july(
    every: Cadence, day: date, expected: tuple[date, date, str]
) -> None:
    assert (windows.begin(every, day), windows.end(every, day), windows.key(every, day)) == expected


@pytest.mark.parametrize(
    ("every", "day", "expected"),
    [
        (Cadence.YEARLY, date(2026, 11, 23), ("2026", "2026")),
        (Cadence.YEARLY, date(2027, 1, 31), ("2026", "2027")),
        (Cadence.SEMESTER, date(2026, 7, 1), ("2026-01", "2026-07")),
        (Cadence.SEMESTER, date(2026, 8, 1), ("2026-07", "2026-07")),
    ],
)
def test_night_loads_the_window_before_in_the_first_month_only(
    every: Cadence, day: date, expected: tuple[str, str]
) -> None:
    first, last = windows.night(every, date(2020, 1, 1), day - timedelta(days=2), day)
    assert (windows.key(every, first), windows.key(every, last)) == expected


@given(st.dates())
def test_window_of_a_day_is_the_day(day: date) -> None:
    assert (windows.begin(DAILY, day), windows.end(DAILY, day)) == (day, day)


def test_range_of_windows_contains_all_their_days() -> None:
    assert windows.days(MONTHLY, "2024-01", "2024-02") == (date(2024, 1, 1), date(2024, 2, 29))
    assert windows.days(DAILY, "2024-01-31", "2024-02-01") == (date(2024, 1, 31), date(2024, 2, 1))


@pytest.mark.parametrize(
    ("loaded_until", "day", "expected"),
    [
        (None, date(2026, 11, 23), ("2025-01", "2026-11")),
        # This month and the month before are always loaded.
        (date(2026, 11, 30), date(2026, 11, 23), ("2026-10", "2026-11")),
        (date(2026, 10, 31), date(2026, 11, 1), ("2026-10", "2026-11")),
        (date(2026, 12, 31), date(2027, 1, 1), ("2026-12", "2027-01")),
        # After missed nights: from the last month that was loaded.
        (date(2026, 7, 31), date(2026, 11, 23), ("2026-07", "2026-11")),
        # Never before the start or after this month.
        (None, date(2025, 1, 15), ("2025-01", "2025-01")),
        (date(2027, 3, 31), date(2026, 11, 23), ("2026-10", "2026-11")),
    ],
)
def test_night_loads_this_month_and_the_one_before_and_missed_months(
    loaded_until: date | None, day: date, expected: tuple[str, str]
) -> None:
    first, last = windows.night(MONTHLY, date(2025, 1, 1), loaded_until, day)
    assert (windows.key(MONTHLY, first), windows.key(MONTHLY, last)) == expected


COLUMNS = [column("periode", "date"), column("nilai", "integer")]


def contract_document(key: str = "uji/data", **partition: object) -> dict[str, object]:
    partition = {"column": "periode", "every": "monthly", "start": "2025-01-01"} | partition
    kept = {name: value for name, value in partition.items() if value is not None}
    return document(key, COLUMNS, database("UJI_URL"), extract={"table": "x"}, partition=kept)


def test_earliest_start_counts_for_all_datasets_of_a_cadence(tmp_path: Path) -> None:
    starts = {
        "uji/a": ("monthly", "2025-03-01"),
        "uji/b": ("monthly", "2024-02-01"),
        "uji/c": ("daily", "2026-05-04"),
    }
    made = [make(tmp_path, contract_document(key, every=e, start=s)) for key, (e, s) in starts.items()]
    assert windows.starts(c.partition for c in made) == {MONTHLY: date(2024, 2, 1), DAILY: date(2026, 5, 4)}


@pytest.mark.parametrize(
    ("partition", "message"),
    [
        ({"start": "2025-01-02"}, "start 2025-01-02 bukan hari pertama sebuah jendela monthly"),
        (
            {"every": "semester", "start": "2025-04-01"},
            "start 2025-04-01 bukan hari pertama sebuah jendela semester",
        ),
        (
            {"every": "yearly", "start": "2025-07-01"},
            "start 2025-07-01 bukan hari pertama sebuah jendela yearly",
        ),
        ({"every": "weekly"}, "partition: every 'weekly' tidak dikenal"),
        ({"start": "2025-13-01"}, "partition: "),
        ({"start": None}, "partition: start tidak ada"),
        ({"column": "nilai"}, "partition: column nilai bukan waktu"),
        ({"column": "bulan"}, "partition: column bulan bukan properti"),
    ],
)
def test_impossible_partition_is_a_fault(tmp_path: Path, partition: dict[str, object], message: str) -> None:
    contract, faults = read_contract(write(tmp_path, contract_document(**partition)))
    assert contract is None
    assert message in faults[0].message


def test_condition_of_a_window_includes_all_of_its_last_day() -> None:
    condition = Window(date(2026, 9, 1), date(2026, 9, 30)).condition(sql.Identifier("tanggal"))
    assert condition.as_string(None) == (
        "\"tanggal\" >= '2026-09-01'::date and \"tanggal\" < ('2026-09-30'::date::date + 1)"
    )


def upload_document(every: str, column_: dict[str, object], **custom: object) -> dict[str, object]:
    partition = {"column": column_["name"], "every": every, "start": "2025-01-01"}
    custom = {"extract": {"format": "csv", "pattern": "*.csv"}, "partition": partition} | custom
    return document("uji/data", [column_, column("nilai", "integer")], upload("uji/data", "csv"), **custom)


@pytest.mark.parametrize(
    ("every", "kind"),
    [("daily", "date"), ("yearly", "date"), ("monthly", "text"), ("semester", "text"), ("yearly", "integer")],
)
def test_an_upload_has_periods_of_a_date_a_month_or_a_year(tmp_path: Path, every: str, kind: str) -> None:
    made = make(tmp_path, upload_document(every, column("waktu", kind, required=True)))
    assert made.replaces_periods and made.takes_every_file and made.windows is None


@pytest.mark.parametrize(
    ("every", "kind", "required", "message"),
    [
        ("monthly", "integer", True, "waktu membedakan jendela paling pendek yearly"),
        ("daily", "text", True, "waktu membedakan jendela paling pendek monthly"),
        ("yearly", "numeric(4,0)", True, "waktu bukan waktu"),
        ("yearly", "integer", False, "waktu boleh kosong"),
    ],
)
def test_an_upload_without_usable_periods_is_refused(
    tmp_path: Path, every: str, kind: str, required: bool, message: str
) -> None:
    made = upload_document(every, column("waktu", kind, required=required))
    _, faults = read_contract(write(tmp_path, made))
    assert message in faults[0].message


def test_a_database_is_asked_for_windows_of_times_only(tmp_path: Path) -> None:
    made = document(
        "uji/data", [column("tahun", "integer")], database("UJI_URL"), extract={"table": "x"},
        partition={"column": "tahun", "every": "yearly", "start": "2025-01-01"},
    )  # fmt: skip
    _, faults = read_contract(write(tmp_path, made))
    assert "tahun bukan waktu" in faults[0].message
