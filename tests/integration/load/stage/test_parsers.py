"""Repairs of numbers, texts and words: what they read, what they leave unchanged, and that no text raises an error."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.repairs import FORMATS, PARSERS
from tests.support.parsers import ARGUMENTS, IN_SETS, Warehouse

# -- numbers -------------------------------------------------------------------------------------------------


def test_numbers_in_indonesian_notation_are_read(ops: Warehouse) -> None:
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
            "1 000": "1000",
            "12\u202f345\u00a0678,9": "12345678.9",
            "1 234.567": "1234.567",
            "\u200b7": "7",
            "1.5E+15": "1500000000000000",
            "-": None,
            "\u2013": None,
            " ": None,
            "007": "007",
        },
    )


def test_an_ambiguous_number_is_read_in_the_declared_notation(ops: Warehouse) -> None:
    both = ["1.234", "1,234", "1,895.88", "1.895,88", "1,234,567", "1.234.567", "0.123", "0,123", "1234.567"]
    indonesian = ["1234", "1.234", "1895.88", "1895.88", "1234567", "1234567", "0.123", "0.123", "1234.567"]
    english = ["1.234", "1234", "1895.88", "1895.88", "1234567", "1234567", "0.123", "0.123", "1234.567"]
    assert ops.ask("angka_id", both) == indonesian
    assert ops.ask("angka_en", both) == english


def test_invalid_and_approximate_numbers_stay_unchanged(ops: Warehouse) -> None:
    ops.leaves(
        "angka_id", "~500", "± 5", "1.234*", "5 orang", "12,5 %", "1 00", "0 123", "1 234 56", "12.345.67", "3..5", ",", "(-5)",
        "abc", "1.2.3,4", "12 - 15", "10,000,00", "--5",
    )  # fmt: skip
    ops.leaves("angka_en", "5 M", "2 T")


def test_footnotes_and_approximations_are_removed_only_if_declared(ops: Warehouse) -> None:
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


def test_zero_decimals_are_removed_unless_they_may_be_thousands(ops: Warehouse) -> None:
    ops.read(
        "bilangan_bulat", {"2022.0": "2022", " 12 ": "12", "2022.000": "2022", "-1.00": "-1", "0.000": "0"}
    )
    ops.leaves("bilangan_bulat", "1.000", "12.000", "1.5", "dua")


def test_values_are_rounded_and_cut_only_if_declared(ops: Warehouse) -> None:
    ops.read("bulatkan", {"1.555": "1.56", "-9.995": "-10.00", "155e-3": "0.16", "1.999999": "2.00"})
    ops.leaves("bulatkan", "1.55", "1.500", "12", " 1.5 ", "-3", "1.555x", "NaN", "")
    ops.read("tanggal_saja", {"2024-01-31 23:59:59": "2024-01-31", "2024-01-31T00:00": "2024-01-31"})
    ops.read("tanggal_saja", {"2024-01-31 23:59:59.25": "2024-01-31"})
    ops.leaves(
        "tanggal_saja", "2024-01-31", "2024-01-31 23:00:00Z", "2024-01-31 24:00:00", "31/01/2024 10:00:00"
    )
    ops.read("mikrodetik", {"2024-01-31 23:59:59.1234567": "2024-01-31 23:59:59.123456"})
    ops.read("mikrodetik", {"2024-01-31T23:59:59.123456789+08:00": "2024-01-31T23:59:59.123456+08:00"})
    ops.leaves("mikrodetik", "2024-01-31 23:59:59.123456", "2024-01-31 23:59:59", "10:00:00.123456+08:00")


def test_coordinates_in_degrees_minutes_and_seconds_are_read(ops: Warehouse) -> None:
    ops.read(
        "koordinat",
        {
            "-0,4978": "-0.4978",
            "-.3497800": "-.3497800",
            "0°30'15\" LS": "-0.5041667",
            "117 09 12 E": "117.1533333",
            "117° 9\u2032 12,5\u2033 BT": "117.1534722",
            "1°30,5' LS": "-1.5083333",
            "-0°30'15\"": "-0.5041667",
            "0,4978 LS": "-0.4978",
            "117": None,
            "-1.0": None,
            "1° LS": None,
        },
    )
    # No hemisphere, two that may disagree, seventy minutes, separators of thousands: the place is unclear.
    ops.leaves("koordinat", "0°30'15\"", "-5°30' S", "1°70'00\" LU", "117.153.709", "sini")


@st.composite
def indonesian_numbers(draw: st.DrawFn) -> tuple[str, Decimal]:
    """A number in Indonesian notation, and its value."""
    integer = draw(st.integers(0, 10**15))
    decimals = draw(st.text("0123456789", max_size=6))
    value = Decimal(f"{integer}.{decimals or 0}")
    written = f"{integer:,}".replace(",", ".") if draw(st.booleans()) else str(integer)
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
def test_a_generated_indonesian_number_is_read_as_its_value(
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
def test_a_generated_english_number_is_read_as_its_value(ops: Warehouse, values: list[Decimal]) -> None:
    assert [Decimal(v) for v in ops.ask("angka_en", [f"{v:,}" for v in values])] == values


@IN_SETS
@given(st.lists(st.text("0123456789.,-+ RpMEe()%jta", max_size=14), min_size=100, max_size=300))
def test_a_number_parser_gives_a_number_or_the_unchanged_text(ops: Warehouse, texts: list[str]) -> None:
    for parser in ("angka_id", "angka_en", "persen", "persen_pecahan", "satuan", "koordinat"):
        for text, got in zip(texts, ops.ask(parser, texts), strict=True):
            assert got is None or got == text or Decimal(got).is_finite(), (parser, text)


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


GONE = "[\u0001-\u0008\u000e-\u001f\u007f\u00ad\u200b-\u200f\u2060\ufeff]+"
BLANKS = "[ \t\n\v\f\r\u0085\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
LETTERS = "aé'Ż \u0301\u0327\u2019\u2013字\U0001f41f\t\t\n\u0007\u0085\u0080\u00a0\u00ad\u007f\u200b\u2009\u2028\u3000\ufeff"


@IN_SETS
@given(st.lists(st.text(LETTERS, min_size=1, max_size=12), min_size=100, max_size=200))
def test_every_text_is_tidied_as_python_would(ops: Warehouse, texts: list[str]) -> None:
    """The parser handles simple texts by shorter rules. Each rule must give the same result as the full one."""
    tidy = [
        re.sub(BLANKS, " ", re.sub(GONE, "", unicodedata.normalize("NFC", text))).strip(" ") for text in texts
    ]
    assert ops.ask("teks", texts) == [text or None for text in tidy]


def test_mojibake_is_repaired_only_if_the_round_trip_is_exact(ops: Warehouse) -> None:
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
def test_every_text_misread_as_latin_1_is_repaired(ops: Warehouse, texts: list[str]) -> None:
    broken = [text.encode().decode("latin-1") for text in texts]
    assert ops.ask("mojibake", broken) == texts


def test_yes_and_no_are_read_but_no_letter_that_postgresql_reads_differently(ops: Warehouse) -> None:
    yes = dict.fromkeys(["Ya", "Y", "1", " ADA ", "Benar", "v", "✓", "√", "true", "Sudah"], "true")
    no = dict.fromkeys(["Tidak", "T", "0", "Tidak  Ada", "Salah", "tdk", "n", "false", "Belum"], "false")
    ops.read("boolean_id", yes | no | {" ": None})
    ops.leaves("boolean_id", "t", "f", "x", "-", "mungkin")


def test_a_class_is_found_by_its_value_label_or_alias(ops: Warehouse) -> None:
    ops.read("klasifikasi", {"L": "L", " laki-laki ": "L", "WANITA": "P", "p": "P", "X": "X", "": ""})


def test_codes_get_their_zeros_back_and_nothing_else(ops: Warehouse) -> None:
    ops.read("kode", {"12": "000012", "640101": "640101", "0": "000000"})
    ops.leaves("kode", "64.1", "6.40201E+15", "'0123", "1234567", "12a", "")
    ops.read("petik_excel", {"'0123": "0123", "'-5": "-5"})
    ops.leaves("petik_excel", "'Aisyiyah", "0123", "Mu'ut")


def test_the_key_of_a_place_does_not_depend_on_its_kind(ops: Warehouse) -> None:
    ops.read("kunci_nama", {
        "Kab. Paser": "PASER", "KABUPATEN PASER": "PASER", "paser (kab.)": "PASER", "Kec. Long Kali": "LONGKALI",
        "Kel Dadi\u00a0Mulya": "DADIMULYA", "Biduk-Biduk": "BIDUKBIDUK", "Kotabaru": "KOTABARU", "Kelay": "KELAY",
        # "Kota" belongs to the name of this kecamatan: with and without its kind it must be one key.
        "Kota Bangun": "BANGUN", "Kec. Kota Bangun": "BANGUN", "KECAMATAN KOTA BANGUN DARAT": "BANGUNDARAT",
        "Kota": "KOTA",
    })  # fmt: skip


# -- any text -----------------------------------------------------------------------------------------------

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


def test_a_cell_of_a_megabyte_raises_no_error_and_takes_less_than_20_s(ops: Warehouse) -> None:
    ops.connection.execute("set statement_timeout to '20s'")
    ops.connection.execute(
        "create temp table besar as select repeat(p, 1000000 / length(p)) as t from unnest(%s::text[]) p",
        [["1", "1.000.", "(", "a@a.", "\u00a0", "Ã©"]],
    )
    for function in [*PARSERS, *(f"cek_{name}" for name in FORMATS)]:
        more = f", {ARGUMENTS[function]}" if function in ARGUMENTS else ""
        query = f"select length(ops.{function}(t{more})::text) from besar"  # noqa: S608
        assert len(ops.connection.execute(query.encode()).fetchall()) == 6
    ops.connection.execute("reset statement_timeout")


def test_null_stays_null(ops: Warehouse) -> None:
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


def test_the_key_of_a_key_is_itself_and_of_a_code_its_digits(ops: Warehouse) -> None:
    """A reference by name compares keys on both sides, and one side may hold keys already."""
    keys = ops.ask("kunci_nama", ["Kec. Kota Bangun", "Kelurahan Baru Tengah", "Provinsi Kalimantan Timur"])
    assert ops.ask("kunci_nama", keys) == keys
    ops.read("kunci_nama", {"6402": "6402", "64.02": "6402"})
