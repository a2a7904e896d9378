"""Repairs of dates and times, against Python's own calendar."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from tests.support.parsers import IN_SETS, Warehouse

# -- dates ---------------------------------------------------------------------------------------------------

INDONESIAN = [
    "Januari",
    "Februari",
    "Maret",
    "April",
    "Mei",
    "Juni",
    "Juli",
    "Agustus",
    "September",
    "Oktober",
    "November",
    "Desember",
]
ENGLISH = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
WEEKDAYS = ["Senin", "Selasa", "Rabu", "Kamis", "Jum'at", "Sabtu", "Minggu"]


def in_notation(day: date, style: int) -> str:
    month = INDONESIAN[day.month - 1]
    return [
        f"{day:%d/%m/%Y}",
        f"{day.day}-{day.month}-{day.year}",
        f"{day:%d.%m.%Y}",
        f"{day.day} {month} {day.year}",
        f"{day.day}-{month[:3]}-{day.year}",
        f"{WEEKDAYS[day.weekday()]}, {day.day} {month.upper()} {day.year}",
        f"{ENGLISH[day.month - 1]} {day.day}, {day.year}",
        f"{day.day}\u00a0{ENGLISH[day.month - 1][:3]} {day.year}",
        f"{day.year}/{day.month}/{day.day}",
        f"{day:%Y-%m-%d}",
    ][style]


@IN_SETS
@given(
    st.lists(
        st.tuples(st.dates(date(1900, 1, 1), date(2199, 12, 31)), st.integers(0, 9)),
        min_size=50,
        max_size=200,
    )
)
def test_a_date_in_any_notation_is_read_as_that_date(ops: Warehouse, cases: list[tuple[date, int]]) -> None:
    texts = [in_notation(*case) for case in cases]
    expected = [(text, day.isoformat()) for text, (day, _) in zip(texts, cases, strict=True)]
    assert list(zip(texts, ops.ask("tanggal_id", texts), strict=True)) == expected


@IN_SETS
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 14), st.integers(1, 9999)), min_size=100, max_size=300
    )
)
def test_a_date_that_does_not_exist_stays_unchanged(
    ops: Warehouse, cases: list[tuple[int, int, int]]
) -> None:
    def model(day: int, month: int, year: int) -> str:
        try:
            return date(year, month, day).isoformat()
        except ValueError:
            return f"{day:02d}/{month:02d}/{year:04d}"

    texts = [f"{day:02d}/{month:02d}/{year:04d}" for day, month, year in cases]
    assert ops.ask("tanggal_id", texts) == [model(*case) for case in cases]


def test_dates_with_times_weekdays_and_two_digit_years_are_read(ops: Warehouse) -> None:
    ops.read(
        "tanggal_id",
        {
            "31/12/2024 13.45": "2024-12-31 13:45",
            "31/12/2024, pukul 13.45 WITA": "2024-12-31 13:45",
            "2024-12-31 7.05": "2024-12-31 07:05",
            "Jumat 5 Nopember 2021 07:05:09": "2021-11-05 07:05:09",
            "31-12-24": "2024-12-31",
            "1 Pebruari 36": "2036-02-01",
            "1/1/37": "1937-01-01",
            "2024-12-31T10:00:00Z": "2024-12-31T10:00:00Z",
            " ": None,
        },
    )
    ops.leaves(
        "tanggal_id", "Des 2024", "Desember 2024", "2024", "20241231", "0000-00-00", "31/02/2024", "12/31/2024",
        "10 11 2012", "31/12/2024 25.00", "31/12/2024 10.00 WIB", "5 mai 2024", "1 s.d. 3 Mei 2024", "45657",
    )  # fmt: skip


def test_zero_dates_become_null(ops: Warehouse) -> None:
    ops.read("tanggal_nol", {"0000-00-00": None, "0000-00-00 00:00:00": None, "00/00/0000": None})
    ops.leaves("tanggal_nol", "2024-00-00", "2024-01-01")


def test_serial_days_of_excel_are_read_except_its_29_february_1900(ops: Warehouse) -> None:
    ops.read(
        "serial_excel",
        {
            "1": "1900-01-01",
            "59": "1900-02-28",
            "61": "1900-03-01",
            "45657": "2024-12-31",
            "45657.5": "2024-12-31 12:00:00",
        },
    )
    # 60 is 29 February 1900; 2024 is a year.
    ops.leaves("serial_excel", "60", "2024", "0", "0.5", "9999999", "2024-12-31", "-5")
    ops.read("serial_excel_1904", {"60": "1904-03-01", "44195": "2024-12-31"})


@IN_SETS
@given(
    st.lists(
        st.tuples(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)), st.integers(-12 * 60, 14 * 60)),
        min_size=50,
        max_size=200,
    )
)
def test_a_time_with_a_zone_becomes_the_time_in_wita(
    ops: Warehouse, cases: list[tuple[datetime, int]]
) -> None:
    here = timezone(timedelta(hours=8))
    aware = [at.replace(tzinfo=timezone(timedelta(minutes=minutes))) for at, minutes in cases]
    got = ops.ask("zona_wita", [at.isoformat() for at in aware])
    assert [datetime.fromisoformat(text) for text in got] == [
        at.astimezone(here).replace(tzinfo=None) for at in aware
    ]


def test_times_with_a_named_zone_become_the_time_in_wita(ops: Warehouse) -> None:
    ops.read(
        "zona_wita",
        {
            "2024-12-31T23:00:00Z": "2025-01-01 07:00:00",
            "2024-12-31 23:00 WIB": "2025-01-01 00:00:00",
            "2024-12-31 23:00 wita": "2024-12-31 23:00:00",
            "2024-12-31 23:00:00 WIT": "2024-12-31 22:00:00",
        },
    )
    ops.leaves("zona_wita", "2024-12-31", "2024-12-31 23:00", "2024-13-31T00:00:00Z", "2024-12-31 23:00 EST")
