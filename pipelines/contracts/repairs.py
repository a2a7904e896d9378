"""What a column may declare of its text: repairs (`parse`), units, classes with aliases, formats.

What belongs here: their names, what they need of a column, what contradicts. Not here: their SQL (load/parsers.sql,
load/checks.sql, load/stage/rules.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pipelines.contracts.columns import Column

_NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric", "double precision"})
_DATES = frozenset({"date", "timestamp", "timestamptz"})
_SCALE = re.compile(r"numeric\(\d+,\s?(\d+)\)")


@dataclass(frozen=True, slots=True)
class Parser:
    """One repair, `ops.<name>` in the warehouse.

    stage: 0 tidies text, 1 reads a value out of it, 2 works on what was read; a column's parsers must not go back.
    types: the physical types that it gives text for; empty for all.
    once: no other of stage 1 may stand beside it: what one reads, another would misread ("1.234" is 1.234, then 1234).
    """

    stage: int
    types: frozenset[str] = frozenset()
    once: bool = False


PARSERS: Mapping[str, Parser] = {
    "teks": Parser(0),
    "mojibake": Parser(0),
    "petik_excel": Parser(0),
    "catatan_kaki": Parser(0),
    "huruf_besar": Parser(0, frozenset({"text"})),
    "kira_kira": Parser(0, _NUMBERS),
    "angka_id": Parser(1, _NUMBERS, once=True),
    "angka_en": Parser(1, _NUMBERS, once=True),
    "persen": Parser(1, _NUMBERS, once=True),
    "persen_pecahan": Parser(1, _NUMBERS, once=True),
    "satuan": Parser(1, _NUMBERS, once=True),
    "koordinat": Parser(1, frozenset({"numeric", "double precision"}), once=True),
    "tanggal_nol": Parser(1, _DATES),
    "tanggal_id": Parser(1, _DATES),
    "serial_excel": Parser(1, _DATES),
    "serial_excel_1904": Parser(1, _DATES),
    "zona_wita": Parser(1, _DATES - {"timestamptz"}),
    "boolean_id": Parser(1, frozenset({"boolean"}), once=True),
    "klasifikasi": Parser(1, once=True),
    "bilangan_bulat": Parser(2),
    "bulatkan": Parser(2, frozenset({"numeric"})),
    "tanggal_saja": Parser(2, frozenset({"date"})),
    "mikrodetik": Parser(2, frozenset({"time", "timestamp", "timestamptz"})),
    "kode": Parser(2, frozenset({"text"})),
}

FORMATS: Mapping[str, tuple[str, str]] = {
    "nik": ("bukan NIK", "tulis 16 angka NIK seperti pada KTP, sebagai teks"),
    "nip": ("bukan NIP", "tulis 18 angka NIP tanpa spasi, sebagai teks"),
    "npwp": ("bukan NPWP", "tulis 15 atau 16 angka NPWP, sebagai teks"),
    "npsn": ("bukan NPSN", "tulis 8 angka NPSN, sebagai teks"),
    "nib": ("bukan NIB", "tulis 13 angka NIB, sebagai teks"),
    "kode_kemendagri": (
        "bukan kode wilayah Kemendagri",
        "tulis kode seperti 64.72 atau 64.72.01.1001, sebagai teks",
    ),
    "kode_bps": ("bukan kode wilayah BPS", "tulis 2, 4, 7, atau 10 angka tanpa titik, sebagai teks"),
    "email": ("bukan alamat surel", "tulis seperti nama@contoh.go.id"),
    "telepon": ("bukan nomor telepon", "mulai dengan 0 atau +62, tulis sebagai teks"),
    "kode_pos": ("bukan kode pos", "tulis 5 angka"),
    "plat_nomor": ("bukan nomor polisi kendaraan", "tulis seperti KT 1234 AB"),
}
"""`logicalTypeOptions.format` of a string: what is said of a cell that is none, and the mend (for the OPD)."""

ERROR_TEXTS: Final = (
    "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!", "#CALC!", "#FIELD!",
    "#BLOCKED!", "#CONNECT!", "#BUSY!", "#UNKNOWN!", "#EXTERNAL!", "#PYTHON!", "#ERROR!",
)  # fmt: skip
"""What Excel and LibreOffice show in a cell whose formula failed (ECMA-376 part 1, 18.17.3; MS-XLSX 2.2.4; ODF 1.3 part
4, 5.12). LibreOffice also shows "Err:" and three digits."""

# SI (BIPM, 9th edition, tables 7 and 8: hectare, litre, tonne); ons and kuintal as the metric trade of Indonesia has
# them: 100 g, 100 kg. One mapping a dimension: spellings, and how many of the dimension's own unit one of it is.
_UNITS: Final[tuple[Mapping[str, str], ...]] = (
    {
        "mg|miligram": "0.000001",
        "g|gr|gram": "0.001",
        "ons": "0.1",
        "kg|kilo|kilogram": "1",
        "kw|ku|kuintal|kwintal": "100",
        "ton|t": "1000",
    },
    {
        "cm2|cm²|cm^2": "0.0001",
        "m2|m²|m^2|meter persegi": "1",
        "are": "100",
        "ha|hektar|hektare": "10000",
        "km2|km²|km^2|kilometer persegi": "1000000",
    },
    {"mm|milimeter": "0.001", "cm|sentimeter": "0.01", "m|meter": "1", "km|kilometer": "1000"},
    {
        "ml|mililiter|cc": "0.001",
        "l|lt|ltr|liter": "1",
        "m3|m³|m^3|meter kubik|kubik": "1000",
        "kl|kiloliter": "1000",
    },
)


def factors(unit: str | None) -> dict[str, Decimal]:
    """Every unit that can be converted to `unit`, and how many of `unit` one of it is; empty for an unknown one."""
    for dimension in _UNITS:
        sizes = {name: Decimal(size) for names, size in dimension.items() for name in names.split("|")}
        if unit and (own := sizes.get(unit.lower())):
            return {name: size / own for name, size in sizes.items()}
    return {}


def decimals(kind: str) -> int | None:
    """Digits behind the point that a type keeps; None where it says nothing of them."""
    found = _SCALE.fullmatch(kind)
    return int(found[1]) if found else None


def known_words(column: Column) -> dict[str, str]:
    """Every word for a class of the column's enum (value, label, alias) in lower case, and the class's value."""
    words = {folded(word): value for word, value in _words(column)}
    return words | {value: value for value, _ in column.enum}


def _words(column: Column) -> Iterator[tuple[str, str]]:
    for value, label in column.enum:
        yield value, value
        yield label, value
    yield from column.aliases


def folded(word: str) -> str:
    """A word as it is compared: lower case, single blanks. ops.klasifikasi does the same to a cell."""
    return " ".join(word.split()).lower()


def faults(column: Column) -> Iterator[tuple[str, str]]:
    """What contradicts in a column's repairs and format: message and mend."""
    base = column.type.split("(")[0]
    known = [(name, PARSERS[name]) for name in column.parse if name in PARSERS]
    for name in column.parse:
        if name not in PARSERS:
            yield f"parse {name!r} is unknown", f"one of {', '.join(PARSERS)}"
    for name, parser in known:
        if parser.types and base not in parser.types:
            yield f"parse {name} gives no {base}", f"for {', '.join(sorted(parser.types))}"
    if len(set(column.parse)) != len(column.parse):
        yield "parse names a repair twice", "once each"
    stages = [parser.stage for _, parser in known]
    if stages != sorted(stages):
        yield (
            "parse reads a value before it tidies the text, or works on it before it is read",
            ("first what tidies (teks, petik_excel, ...), then what reads, then bilangan_bulat, kode, ..."),
        )
    if stages.count(1) > 1 and any(parser.once for _, parser in known):
        readers = [name for name, parser in known if parser.stage == 1]
        yield f"parse reads the same cell twice: {', '.join(readers)}", "keep one of them"
    yield from _needs(column)
    if column.format is not None and base != "text":
        yield f"format {column.format!r} is of a string, not of {base}", "drop it: physicalType says the form"
    elif column.format is not None and column.format not in FORMATS:
        yield f"format {column.format!r} is not checked here", f"one of {', '.join(FORMATS)}, or a pattern"


def _needs(column: Column) -> Iterator[tuple[str, str]]:
    """What some repairs need to be told by other words of the property."""
    if "satuan" in column.parse and not factors(column.unit):
        units = ", ".join(names.split("|")[0] for dimension in _UNITS for names in dimension)
        yield f"parse satuan can't convert to satuan {column.unit!r}", f"one of {units}"
    if "kode" in column.parse and (column.min_length is None or column.min_length != column.max_length):
        yield "parse kode needs to know the code's length", "give minLength and maxLength, the same"
    if "bulatkan" in column.parse and decimals(column.type) is None:
        yield "parse bulatkan needs to know how many digits stay", "physicalType: numeric(p,s)"
    if "klasifikasi" in column.parse and not column.enum:
        yield "parse klasifikasi needs the classes", "give an enum"
    if column.aliases and "klasifikasi" not in column.parse:
        yield "the enum has aliases, but nothing reads them", "parse: klasifikasi"
    if "klasifikasi" in column.parse:
        meant: dict[str, str] = {}
        for word, value in _words(column):
            if meant.setdefault(folded(word), value) != value:
                yield f"{word!r} means both {meant[folded(word)]!r} and {value!r}", "one class a word"
