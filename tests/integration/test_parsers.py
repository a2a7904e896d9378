"""Repairs and checks in the warehouse, run in sets: what they read, what they leave, and that nothing makes them raise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection, sql

from pipelines.embedded import Urls
from pipelines.load import warehouse
from pipelines.load.rules import _STRICT, rules
from pipelines.repairs import FORMATS, PARSERS
from tests.support.contracts import column, document, make, upload
from tests.support.servers import fresh_name

IN_SETS = settings(
    max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
TOLD = {
    "satuan": """'{"kg": "1", "ton": "1000", "kw": "100", "g": "0.001"}'::jsonb""",
    "klasifikasi": """'{"L": "L", "l": "L", "laki-laki": "L", "P": "P", "p": "P", "wanita": "P"}'::jsonb""",
    "kode": "6",
}


@dataclass(frozen=True)
class Warehouse:
    connection: Connection[Any]

    def ask(self, function: str, texts: Sequence[str | None]) -> list[Any]:
        """What ops.<function> gives for each text, in one query."""
        told = TOLD.get(function)
        query = sql.SQL("select {}(t{}) from unnest(%s::text[]) with ordinality u(t, n) order by n").format(
            sql.Identifier("ops", function),
            sql.SQL(f", {told}" if told else ""),  # type: ignore[arg-type]
        )
        return [row[0] for row in self.connection.execute(query, [list(texts)]).fetchall()]

    def read(self, function: str, expected: dict[str, str | None]) -> None:
        got = dict(zip(expected, self.ask(function, list(expected)), strict=True))
        assert got == expected

    def leaves(self, function: str, *texts: str) -> None:
        self.read(function, dict(zip(texts, texts, strict=True)))


@pytest.fixture(scope="module")
def ops(server_urls: Urls) -> Iterator[Warehouse]:
    name = fresh_name()
    with psycopg.connect(server_urls.libpq("postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        connection = warehouse.connect(
            server_urls.libpq(name).replace("postgresql://", "postgresql+psycopg://")
        )
        warehouse.prepare(connection, [])
        yield Warehouse(connection)
        connection.close()
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


# -- numbers -------------------------------------------------------------------------------------------------


def test_indonesian_numbers_as_people_write_them(ops: Warehouse) -> None:
    ops.read(
        "angka_id",
        {
            "1.234,56": "1234.56",
            "11.302,42 M": "11302420000000",
            "Rp 1.500.000": "1500000",
            "Rp1.500.000,-": "1500000",
            "Rp. 2.000,00": "2000.00",
            "-Rp 5.000": "-5000",
            "(1.000)": "-1000",
            "Rp (1.000)": "-1000",
            "1,5 juta": "1500000",
            "1.5 juta": "1500000",
            "2 Milyar": "2000000000",
            "\u22125": "-5",
            "12\u00a0": "12",
            "\u200b7": "7",
            "1.5E+15": "1500000000000000",
            "-": None,
            "\u2013": None,
            " ": None,
            "007": "007",
        },
    )


def test_where_two_readings_are_possible_the_declared_one_wins_and_else_the_only_one(ops: Warehouse) -> None:
    both = ["1.234", "1,234", "1,895.88", "1.895,88", "1,234,567", "1.234.567", "0.123", "0,123", "1234.567"]
    indonesian = ["1234", "1.234", "1895.88", "1895.88", "1234567", "1234567", "0.123", "0.123", "1234.567"]
    english = ["1.234", "1234", "1895.88", "1895.88", "1234567", "1234567", "0.123", "0.123", "1234.567"]
    assert ops.ask("angka_id", both) == indonesian
    assert ops.ask("angka_en", both) == english


def test_what_is_no_number_or_only_about_one_stays_as_it_came(ops: Warehouse) -> None:
    ops.leaves(
        "angka_id", "~500", "± 5", "1.234*", "5 orang", "12,5 %", "1 000", "12.345.67", "3..5", ",", "(-5)",
        "abc", "1.2.3,4", "12 - 15", "10,000,00", "--5",
    )  # fmt: skip
    ops.leaves("angka_en", "5 M", "2 T")


def test_marks_around_a_number_go_only_where_that_is_declared(ops: Warehouse) -> None:
    marks = {"1.234*": "1.234", "123 ¹)": "123", "1.234**)": "1.234", "1,5 r)": "1,5", "12²": "12", "5": "5"}
    ops.read("catatan_kaki", marks)
    ops.leaves("catatan_kaki", "5 m²", "(5)", "Jalan Raya", "1)")
    about = {"± 1.000": "1.000", "~500": "500", "Kurang lebih 5": "5", "sekitar 7": "7", "+/- 3": "3"}
    ops.read("kira_kira", about)
    ops.leaves("kira_kira", "sekitar sini", "-5", "5 ~ 7")


def test_percent_is_a_number_or_a_share_as_declared(ops: Warehouse) -> None:
    ops.read(
        "persen", {"12,5 %": "12.5", "12.5%": "12.5", "100 persen": "100", "(5) %": "-5", "12,5": "12.5"}
    )
    ops.read("persen_pecahan", {"12,5 %": "0.125", "100%": "1", "0,125": "0.125", "1.234 %": "12.34"})
    for function in ("persen", "persen_pecahan"):
        ops.leaves(function, "%", "-%", "banyak %", "5 % 6")


def test_a_value_with_its_unit_is_converted_exactly(ops: Warehouse) -> None:
    ops.read(
        "satuan",
        {
            "12,5 ton": "12500",
            "1.000 kg": "1000",
            "1.500.000 KG.": "1500000",
            "3kw": "300",
            "5 g": "0.005",
            "1,5 juta ton": "1500000000",
            "-2 ton": "-2000",
            "1.234,5": "1234.5",
            "": None,
        },
    )
    ops.leaves("satuan", "3 ha", "5 orang", "11 M", "ton", "5 ton 3 kg", "Rp 5")


def test_a_whole_number_with_decimals_of_zero_unless_they_may_be_thousands(ops: Warehouse) -> None:
    ops.read(
        "bilangan_bulat", {"2022.0": "2022", " 12 ": "12", "2022.000": "2022", "-1.00": "-1", "0.000": "0"}
    )
    ops.leaves("bilangan_bulat", "1.000", "12.000", "1.5", "dua")


def test_coordinates_in_degrees_minutes_and_seconds(ops: Warehouse) -> None:
    ops.read(
        "koordinat",
        {
            "-0,4978": "-0.4978",
            "-.3497800": "-.3497800",
            "0°30'15\" LS": "-0.50416667",
            "117 09 12 E": "117.15333333",
            "117° 9\u2032 12,5\u2033 BT": "117.15347222",
            "1°30,5' LS": "-1.50833333",
            "-0°30'15\"": "-0.50416667",
            "0,4978 LS": "-0.4978",
            "117": None,
            "-1.0": None,
            "1° LS": None,
        },
    )
    # No hemisphere, two of them that may disagree, sixty minutes, marks of thousands: nobody knows where that is.
    ops.leaves("koordinat", "0°30'15\"", "-5°30' S", "1°70'00\" LU", "117.153.709", "sini")


@st.composite
def indonesian_numbers(draw: st.DrawFn) -> tuple[str, Decimal]:
    """A number as text and what it is, made by formatting, not by reading."""
    whole = draw(st.integers(0, 10**15))
    decimals = draw(st.text("0123456789", max_size=6))
    value = Decimal(f"{whole}.{decimals or 0}")
    written = f"{whole:,}".replace(",", ".") if draw(st.booleans()) else str(whole)
    written += f",{decimals}" if decimals else draw(st.sampled_from(["", ",-"]))
    word, power = draw(
        st.sampled_from([("", 0), ("", 0), (" M", 9), ("jt", 6), (" ribu", 3), (" Triliun", 12)])
    )
    written = (
        draw(st.sampled_from(["", "Rp ", "Rp", "Rp. ", "IDR "]))
        + written
        + (word if "-" not in written else "")
    )
    value *= Decimal(10) ** (power if "-" not in written else 0)
    sign = draw(st.sampled_from(["", "", "-", "\u2212", "()"]))
    written = f"({written})" if sign == "()" else sign + written
    blank = draw(st.sampled_from(["", " ", "\u00a0", "\t", "\u200b"]))
    return written + blank, -value if sign else value


@IN_SETS
@given(st.lists(indonesian_numbers(), min_size=50, max_size=200))
def test_a_written_number_is_read_as_what_was_written(
    ops: Warehouse, cases: list[tuple[str, Decimal]]
) -> None:
    got = ops.ask("angka_id", [text for text, _ in cases])
    assert [(text, Decimal(value)) for (text, _), value in zip(cases, got, strict=True)] == cases


@IN_SETS
@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, places=3, max_value=10**12),
        min_size=100,
        max_size=200,
    )
)
def test_an_english_number_with_its_marks_is_read_as_what_was_written(
    ops: Warehouse, values: list[Decimal]
) -> None:
    assert [Decimal(v) for v in ops.ask("angka_en", [f"{v:,}" for v in values])] == values


@IN_SETS
@given(st.lists(st.text("0123456789.,-+ RpMEe()%jta", max_size=14), min_size=100, max_size=300))
def test_what_comes_out_of_a_number_parser_is_a_number_or_what_went_in(
    ops: Warehouse, texts: list[str]
) -> None:
    for parser in ("angka_id", "angka_en", "persen", "persen_pecahan", "satuan", "koordinat"):
        for text, got in zip(texts, ops.ask(parser, texts), strict=True):
            assert got is None or got == text or Decimal(got).is_finite(), (parser, text)


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


def _written(day: date, style: int) -> str:
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
def test_a_written_date_is_read_as_what_was_written(ops: Warehouse, cases: list[tuple[date, int]]) -> None:
    texts = [_written(*case) for case in cases]
    expected = [(text, day.isoformat()) for text, (day, _) in zip(texts, cases, strict=True)]
    assert list(zip(texts, ops.ask("tanggal_id", texts), strict=True)) == expected


@IN_SETS
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 14), st.integers(1, 9999)), min_size=100, max_size=300
    )
)
def test_a_day_that_never_was_stays_as_it_came(ops: Warehouse, cases: list[tuple[int, int, int]]) -> None:
    def model(day: int, month: int, year: int) -> str:
        try:
            return date(year, month, day).isoformat()
        except ValueError:
            return f"{day:02d}/{month:02d}/{year:04d}"

    texts = [f"{day:02d}/{month:02d}/{year:04d}" for day, month, year in cases]
    assert ops.ask("tanggal_id", texts) == [model(*case) for case in cases]


def test_dates_with_times_weekdays_and_two_digits(ops: Warehouse) -> None:
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


def test_zero_dates_are_no_dates(ops: Warehouse) -> None:
    ops.read("tanggal_nol", {"0000-00-00": None, "0000-00-00 00:00:00": None, "00/00/0000": None})
    ops.leaves("tanggal_nol", "2024-00-00", "2024-01-01")


def test_serial_days_of_excel_and_its_day_that_never_was(ops: Warehouse) -> None:
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
def test_a_time_with_its_zone_becomes_the_time_here(
    ops: Warehouse, cases: list[tuple[datetime, int]]
) -> None:
    here = timezone(timedelta(hours=8))
    aware = [at.replace(tzinfo=timezone(timedelta(minutes=minutes))) for at, minutes in cases]
    got = ops.ask("zona_wita", [at.isoformat() for at in aware])
    assert [datetime.fromisoformat(text) for text in got] == [
        at.astimezone(here).replace(tzinfo=None) for at in aware
    ]


def test_zones_by_name(ops: Warehouse) -> None:
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


# -- text and words ------------------------------------------------------------------------------------------


def test_text_is_tidied_and_its_letters_kept(ops: Warehouse) -> None:
    ops.read(
        "teks",
        {
            "  SD\u00a0Negeri \n 1\t": "SD Negeri 1",
            "Sama\u200brinda\ufeff": "Samarinda",
            "Cafe\u0301": "Café",
            "\u201cMu\u2019ut\u201d": "\u201cMu\u2019ut\u201d",
            "a\u0007b": "ab",
            " \u00a0": None,
        },
    )


def test_mojibake_is_mended_only_where_the_round_trip_is_exact(ops: Warehouse) -> None:
    good = ["café", "Mu\u2019ut", "\u201cok \u2013 5 °C", "Ñandú", "€ 5"]
    broken = [text.encode().decode("cp1252") for text in good]
    assert ops.ask("mojibake", broken) == good
    ops.leaves("mojibake", *good, "Ã", "cafÃ© é", "Â", "plain")


@IN_SETS
@given(
    st.lists(
        st.text(st.characters(min_codepoint=1, max_codepoint=0x2FF), min_size=1), min_size=50, max_size=100
    )
)
def test_every_text_read_as_latin_1_is_mended(ops: Warehouse, texts: list[str]) -> None:
    broken = [text.encode().decode("latin-1") for text in texts]
    assert ops.ask("mojibake", broken) == texts


def test_yes_and_no_but_never_a_letter_that_postgresql_reads_otherwise(ops: Warehouse) -> None:
    yes = dict.fromkeys(["Ya", "Y", "1", " ADA ", "Benar", "v", "✓", "√", "true", "Sudah"], "true")
    no = dict.fromkeys(["Tidak", "T", "0", "Tidak  Ada", "Salah", "tdk", "n", "false", "Belum"], "false")
    ops.read("boolean_id", yes | no | {" ": None})
    ops.leaves("boolean_id", "t", "f", "x", "-", "mungkin")


def test_a_class_by_its_value_label_or_alias(ops: Warehouse) -> None:
    ops.read("klasifikasi", {"L": "L", " laki-laki ": "L", "WANITA": "P", "p": "P", "X": "X", "": ""})


def test_codes_get_their_zeros_back_and_nothing_else(ops: Warehouse) -> None:
    ops.read("kode", {"12": "000012", "640101": "640101", "0": "000000"})
    ops.leaves("kode", "64.1", "6.40201E+15", "'0123", "1234567", "12a", "")
    ops.read("petik_excel", {"'0123": "0123", "'-5": "-5"})
    ops.leaves("petik_excel", "'Aisyiyah", "0123", "Mu'ut")


# -- checks --------------------------------------------------------------------------------------------------

SHAPES: dict[str, tuple[list[str], list[str]]] = {
    "nik": (
        ["9901010101900001", "6472014107900001", "6472013112990123"],
        ["1111111111111111", "6472014001900001", "6472013201900001", "6472010113900001", "6472010101900000",
         "6400010101900001", "647201010190000", "64720101019000011", "64 72010101900001"],
    ),
    "nip": (
        ["198501012010011001", "199203122022211012", "196802292001122003"],
        ["198502302010011001", "198504312010011001", "198501012010131001", "198501012010013001", "198501012010011000"],
    ),
    "npwp": (
        ["09.254.294.3-407.000", "092542943407000", "0092542943407000"],
        ["000000000000000", "09.254.294.3.407.000", "12345"],
    ),
    "npsn": (["30401540", "P9908123"], ["3040154", "00401540", "304015400"]),
    "nib": (["8120001234567"], ["812000123456", "0000000000000"]),
    "kode_kemendagri": (
        ["64", "64.02", "6402", "64.02.13.2001", "6472011001"],
        ["64.1", "6403010", "64.02.13.9001", "64.0213", "KT"],
    ),
    "kode_bps": (["64", "6403", "6403010", "6403010001"], ["64.03", "640301", "0403"]),
    "email": (["diskominfo@kaltimprov.go.id"], ["a@b", "a b@c.id", "a@b..id", "@c.id", "a@-.id", "a@b.id "]),
    "telepon": (["0811-5678-901", "+62 541 123456", "(0541) 123456"], ["123", "8115678901", "00811234567", "+1 555 123 4567"]),
    "kode_pos": (["75123"], ["0751234", "7512", "05123"]),
    "plat_nomor": (["KT 1234 AB", "KT1A", "B 1"], ["kt 1 a", "KT 01 A", "KTX 1 A", "KT 12345"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_takes_its_own_and_refuses_others(ops: Warehouse, name: str) -> None:
    good, bad = SHAPES[name]
    assert ops.ask(f"cek_{name}", good) == [True] * len(good)
    assert dict(zip(bad, ops.ask(f"cek_{name}", bad), strict=True)) == dict.fromkeys(bad, False)


# -- types ---------------------------------------------------------------------------------------------------

ODD = """NaN nan Infinity -inf INF 0x1F -0X1f 0b1 0o17 1_000 1e5 1E+5 .5 5. +7 007 today now infinity epoch allballs
0001-01-01_BC 10000-01-01 __24-12-31 1Jan-02-99 Jan1-02-99 J2451187 2024-366 20241231 2024-12-31_24:00:00 y2024m1-1-1
2024-12-31_10:00:60 2024-12-31T10:00:00Z 2024-12-31_10:00:00+07 2024-12-31_10:00:00_BC t f T F yes on TRUE false 1 0"""


@IN_SETS
@given(st.lists(st.text("0123456789-:+. eExXnNT_tf", max_size=19)))
def test_the_quick_test_of_a_type_takes_nothing_that_its_pattern_refuses(
    ops: Warehouse, texts: list[str]
) -> None:
    odd = [word.replace("_", " ") for word in ODD.split()] + ["1_000", "2_0", *texts]
    for base, (plain, pattern) in _STRICT.items():
        cell = sql.Identifier("t")
        query = sql.SQL(
            "select t from unnest(%s::text[]) t where case when pg_input_is_valid(t, {}) then {} else false end and t !~ {}"
        ).format(sql.Literal(base), sql.SQL(plain.replace("%", "%%")).format(text=cell), sql.Literal(pattern))  # type: ignore[arg-type]
        assert ops.connection.execute(query, [odd]).fetchall() == [], base


def test_a_file_may_not_say_what_only_postgresql_would_understand(ops: Warehouse, tmp_path: Path) -> None:
    refused = {
        "integer": ["0x1F", "1_000", "1.0"],
        "numeric(8,2)": ["NaN", "Infinity", "0x1F", "1,5"],
        "double precision": ["nan", "-INF", "0x1p3"],
        "boolean": ["T", "t", "yes", "Ya"],
        "date": ["today", "31/12/2024", "2024-12-31T23:00:00Z", "0001-01-01 BC", "20241231"],
        "timestamp": ["2024-12-31T23:00:00Z", "2024-12-31 23:00+07", "now"],
    }
    taken = {
        "integer": ["5", "-7", " 007 ", "+1"],
        "numeric(8,2)": ["1.5", "1e3", "-.5", "5."],
        "double precision": ["0.1", "1e-7"],
        "boolean": ["true", "False", "1"],
        "date": ["2024-12-31", "2024-1-5", "2024-12-31T00:00:00"],
        "timestamp": ["2024-12-31 23:00:00", "2024-12-31T23:00", "2024-12-31"],
        "timestamptz": ["2024-12-31T23:00:00Z", "2024-12-31 23:00+07"],
    }
    for kind in taken:
        doc = document(
            "dinas/uji",
            [column("a", kind)],
            upload("dinas/uji", "csv"),
            extract={"format": "csv", "pattern": "*.csv"},
        )
        (rule,) = rules(make(tmp_path, doc))
        for texts, verdict in ((taken[kind], True), (refused.get(kind, []), False)):
            query = sql.SQL("select a, {} from (select unnest({}::text[]) as a) b").format(
                rule.predicate, sql.Literal(texts)
            )
            assert dict(ops.connection.execute(query).fetchall()) == dict.fromkeys(texts, verdict), kind


# -- whatever comes ------------------------------------------------------------------------------------------

ANYTHING = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@IN_SETS
@given(
    st.lists(ANYTHING | st.text("0123456789.,-+'\"°%() RpTZEe:/¹", max_size=120), min_size=20, max_size=80)
)
def test_no_text_makes_a_parser_or_a_check_raise(ops: Warehouse, texts: list[str]) -> None:
    for parser in PARSERS:
        ops.ask(parser, texts)
    for name in FORMATS:
        assert None not in ops.ask(f"cek_{name}", texts)


def test_a_cell_of_a_megabyte_makes_none_raise_or_linger(ops: Warehouse) -> None:
    ops.connection.execute("set statement_timeout to '20s'")
    ops.connection.execute(
        "create temp table besar as select repeat(p, 1000000 / length(p)) as t from unnest(%s::text[]) p",
        [["1", "1.000.", "(", "a@a.", "\u00a0", "Ã©"]],
    )
    for function in [*PARSERS, *(f"cek_{name}" for name in FORMATS)]:
        told = f", {TOLD[function]}" if function in TOLD else ""
        query = f"select length(ops.{function}(t{told})::text) from besar"  # noqa: S608
        assert len(ops.connection.execute(query.encode()).fetchall()) == 6
    ops.connection.execute("reset statement_timeout")


def test_no_value_stays_no_value(ops: Warehouse) -> None:
    for parser in PARSERS:
        assert ops.ask(parser, [None]) == [None], parser


def test_every_repair_and_check_is_immutable_and_parallel_safe(ops: Warehouse) -> None:
    names = [*PARSERS, *(f"cek_{name}" for name in FORMATS)]
    found = ops.connection.execute(
        "select proname, provolatile, proparallel from pg_proc where pronamespace = 'ops'::regnamespace"
        " and proname = any(%s)",
        [names],
    ).fetchall()
    assert {row[0] for row in found} == set(names)
    assert {row[1:] for row in found} == {("i", "s")}
