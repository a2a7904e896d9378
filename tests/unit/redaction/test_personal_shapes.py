"""Which texts are shaped like a person's number, however they are written. All numbers are made up."""

from __future__ import annotations

import re

import pytest
from psycopg import sql

from pipelines.redaction.personal_shapes import (
    ACCOUNT,
    ALL,
    EMAIL,
    NIK,
    NIP,
    NUMBERS,
    PHONE,
    Shape,
    contains_shape,
    found,
    functions,
    is_nik_when_joined,
    masked,
    plain,
)

FULL_WIDTH = "6472015203900001".translate({ord(d): ord(d) + 0xFEE0 for d in "0123456789"})
SPELLINGS = {
    "alone": "6472015203900001",
    "a woman, 31 days": "6402067112850013",
    "in a sentence": "NIK: 6472015203900001.",
    "between other numbers": "5,6472015203900001,3",
    "dashes": "6472-0152-0390-0001",
    "blanks": "6472 0152 0390 0001",
    "double blanks": "6472  0152  0390  0001",
    "slashes": "647201/520390/0001",
    "underscores": "6472_0152_0390_0001",
    "commas": "6472,0152,0390,0001",
    "points as of a region": "64.72.01.520390.0001",
    "points everywhere": "64.72.01.52.03.90.0001",
    "no-break spaces": "6472\u00a00152\u00a00390\u00a00001",
    "narrow no-break spaces": "6472\u202f0152\u202f0390\u202f0001",
    "en dashes": "6472\u20130152\u20130390\u20130001",
    "em dashes with blanks": "6472 \u2014 0152 \u2014 0390 \u2014 0001",
    "minus signs": "6472\u22120152\u22120390\u22120001",
    "full-width digits": FULL_WIDTH,
    "Arabic digits": "٦٤٧٢٠١٥٢٠٣٩٠٠٠٠١",
    "zero-width spaces": "6472\u200b0152\u200b0390\u200b0001",
    "threes": "647 201 520 390 0001",
    "each digit for itself": "6 4 7 2 0 1 5 2 0 3 9 0 0 0 0 1",
    "lines": "647201\n520390\n0001",
    "a high serial, as grouped on a card": "647201-520390-9999",
    "cut by a spreadsheet": "6472015203900000",
    "as a spreadsheet shows a number": "6.47201520390001E+15",
    "with a decimal comma": "6,47201520390001E+15",
    "as floating point": " 6.472015203900001e+15",
    "a bytea": "\\x" + b"6472015203900001".hex(),
    "a bytea of UTF-16": "\\x" + "6472015203900001".encode("utf-16").hex(),
}
OTHERS = {
    "day 32": "6472013203900001",
    "31 April": "6472013104900001",
    "month 13": "6472015213900001",
    "17 digits": "64720152039000012",
    "no such province": "2072015203900001",
    "no such district": "6472005203900001",
    "tonnes of coal": "1500000000000000",
    "tonnes with points": "8.881.225.010.790.001",
    "the id of a dataset": "9120001234567",
    "a village and a month": "64.72.05.1004 202401",
    "two dates": "14-03-2024 - 05-04-2024",
    "a coordinate": "-0.4978123, 117.12345678",
    "decimals of a fraction": "0.6472015203900001",
    "a moment": "21-03-2024 10:15:30",
    "a UUID": "64720152-3904-4001-8a2b-64720152ab90",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_nik_is_found_however_it_is_written(spelling: str) -> None:
    assert found(SPELLINGS[spelling]) == (NIK,)


@pytest.mark.parametrize("other", OTHERS)
def test_number_without_region_and_date_is_no_nik(other: str) -> None:
    assert found(OTHERS[other]) == ()


KINDS: dict[Shape, tuple[list[str], list[str]]] = {
    NIP: (
        ["198503122010011001", "19850312 201001 1 001", "19850312.201001.2.001", "NIP 199203122022211012", "1.98503122010011E+17"],
        ["198513122010011001", "198503122010013001", "198503122010011000", "202401022024010212345"],
    ),
    PHONE: (
        ["081234567890", "+62 812-3456-7890", "62812 3456 7890", "0812.3456.7890", "WA: 0812 3456 7890"],
        ["0541 123456", "08-12-2024", "0.8123456789", "1,0812345678", "8123456789", "62.8123456789"],
    ),
    EMAIL: (["budi.rekaan@contoh.id", "surel: siti_99@contoh.co.id."], ["@kaltim", "a@b", "10 @ 5.000"]),
    ACCOUNT: (
        ["Rek. BRI 0123-01-012345-50-1", "no rekening: 1480012345678", "Rekening 1480012345678", "Bank Kaltimtara 0011223344"],
        ["rekening belanja 5.1.02.01.01.0012", "1480012345678", "bank sampah 12"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_shape_matches_only_its_own_numbers(kind: Shape) -> None:
    own, others = KINDS[kind]
    assert [text for text in own if kind not in found(text, ALL)] == []
    assert [text for text in others if kind in found(text, ALL)] == []


def test_only_personal_numbers_of_a_text_are_masked() -> None:
    assert masked("Budi 6472015203900001, 0812-3456-7890") == "Budi ***, ***"
    assert masked("baris 12 kolom tonase") == "baris 12 kolom tonase"
    assert masked(FULL_WIDTH + " Budi") == "***"


def test_predicates_use_the_functions_of_the_warehouse() -> None:
    cell = sql.Identifier("catatan")
    assert contains_shape(cell, NUMBERS).as_string(None) == (
        'coalesce(case when octet_length("catatan") >= 16 and ops."mungkin_angka"("catatan")'
        ' then "ops"."berbentuk_nik"("catatan") or "ops"."berbentuk_nip"("catatan") end, false)'
    )
    assert is_nik_when_joined(cell, sql.Identifier("ket")).as_string(None) == (
        'coalesce(ops.berbentuk_nik_terbagi(ops.bentuk_polos("catatan"), ops.bentuk_polos("ket")), false)'
    )


def test_each_shape_has_a_function_in_the_warehouse() -> None:
    made = [statement.as_string(None) for statement in functions()]
    names = ["bentuk_polos", "mungkin_angka", "mungkin_surel"]
    names += [*(f"berbentuk_{shape.name}" for shape in ALL), "berbentuk_nik_terbagi"]
    assert len(made) == len(names)
    for statement, name in zip(made, names, strict=True):
        assert statement.startswith(f'create or replace function "ops"."{name}"(')
        assert " language sql immutable parallel safe return " in statement


def test_ascii_and_latin_letters_never_become_a_digit_or_a_sign() -> None:
    """The warehouse looks at texts of these characters as they are."""
    for character in map(chr, [*range(1, 0x80), *range(0xC0, 0x250)]):
        normal = plain(character)
        assert normal == character or normal == " " or re.fullmatch(r"[^\W\d_·]+·?|[^\W\d_]+", normal), (
            character
        )
