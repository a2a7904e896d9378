"""Checks what a column declares about its text: repairs (`parse`), units, classes with aliases, formats.

What belongs here: their names, what each requires of a column, contradictions between them, and repairs that would
change the order of a cursor or partition column, which the source compares. Not here: their SQL (warehouse/functions/,
load/stage/rules.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pipelines.contracts.api import ApiExtract
from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.suggest import hint_of_known

_NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric", "double precision"})
_DATES = frozenset({"date", "timestamp", "timestamptz"})
_SCALE = re.compile(r"numeric\(\d+,\s?(\d+)\)")


@dataclass(frozen=True, slots=True)
class Parser:
    """One repair, the function `ops.<name>` of the warehouse.

    stage: 0 tidies the text, 1 reads a value from it, 2 changes the value. A column must declare them in this order.
    types: the physical types of the values that it can give; empty for all.
    once: whether it must be the column's only repair of stage 1. A second one would read the result of the first as new
    input: angka_en reads "1.234" as 1.234, and angka_id would then read that as 1234.
    """

    stage: int
    types: frozenset[str] = frozenset()
    once: bool = False


NUMBER_READERS = frozenset({"angka_id", "angka_en", "persen", "persen_pecahan", "satuan"})
"""The repairs that read a number from what a person wrote. What a database keeps as a number needs none of them: its
text 1.234 is no thousand."""

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
"""For each `logicalTypeOptions.format` of a string: what the OPD reads about a wrong cell, and how to fix it."""

ERROR_TEXTS: Final = (
    "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!", "#CALC!", "#FIELD!",
    "#BLOCKED!", "#CONNECT!", "#BUSY!", "#UNKNOWN!", "#EXTERNAL!", "#PYTHON!", "#ERROR!",
)  # fmt: skip
"""What Excel and LibreOffice show in a cell whose formula failed (ECMA-376 part 1, 18.17.3; MS-XLSX 2.2.4; ODF 1.3 part
4, 5.12). LibreOffice also shows "Err:" and three digits."""

_KEEPS_ORDER = frozenset({"zona_wita", "tanggal_nol", "tanggal_saja", "mikrodetik", "bilangan_bulat"})
"""Repairs that keep the order of ISO 8601 texts and of numbers, or only make a value earlier."""

# Source: SI (BIPM, 9th edition, tables 7 and 8: hectare, litre, tonne). An ons is 100 g and a kuintal is 100 kg, as in
# Indonesian trade. There is one mapping for each dimension, from the spellings of a unit to its size in the base unit.
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


def repairs_of(column: Column, *, is_number: bool = False) -> tuple[str, ...]:
    """The names of a column's repairs, in the order in which they are applied. ops.load_repair counts by these names.

    is_number: the source keeps the column as numbers. Their texts have a decimal point, and large ones an exponent,
    which an integer does not take; `angka_en` reads both.
    """
    parsers = tuple("angka_en" if is_number and name in NUMBER_READERS else name for name in column.parse)
    return (("missing_values",) if column.missing_values else ()) + parsers


def needs_no_text(column: Column, *, is_number: bool = False) -> bool:
    """Whether no repair and no pseudonym has to see a cell as text. is_number: as in `repairs_of`."""
    readers = NUMBER_READERS if is_number else frozenset[str]()
    return not (column.missing_values or column.pseudonymise or set(column.parse) - readers)


def factors(unit: str | None) -> dict[str, Decimal]:
    """Returns every unit that can be converted to `unit`, with its size in `unit`; empty for an unknown unit."""
    for dimension in _UNITS:
        sizes = {name: Decimal(size) for names, size in dimension.items() for name in names.split("|")}
        if unit and (own := sizes.get(unit.lower())):
            return {name: size / own for name, size in sizes.items()}
    return {}


def decimals(kind: str) -> int | None:
    """Returns the number of decimals that a physical type keeps; None if it has no scale."""
    found = _SCALE.fullmatch(kind)
    return int(found[1]) if found else None


def known_words(column: Column) -> dict[str, str]:
    """Maps each value, label and alias of the column's enum, in lower case, to the enum value.

    Each value as it is written is a key, too.
    """
    words = {folded(word): value for word, value in _words(column)}
    return words | {value: value for value, _ in column.enum}


def _words(column: Column) -> Iterator[tuple[str, str]]:
    """Gives each value, label and alias of the column's enum as it is written, with the enum value."""
    for value, label in column.enum:
        yield value, value
        yield label, value
    yield from column.aliases


def folded(word: str) -> str:
    """Returns a word in the form in which it is compared: lower case, single blanks. ops.klasifikasi does the same."""
    return " ".join(word.split()).lower()


def faults(column: Column) -> Iterator[tuple[str, str]]:
    """Checks a column's repairs and format. Gives message and hint for each contradiction."""
    base = column.type.split("(")[0]
    known = [(name, PARSERS[name]) for name in column.parse if name in PARSERS]
    for name in column.parse:
        if name not in PARSERS:
            yield f"parse {name!r} tidak dikenal", hint_of_known(name, PARSERS)
    for name, parser in known:
        if parser.types and base not in parser.types:
            yield f"parse {name} tidak menghasilkan {base}", f"hanya untuk {', '.join(sorted(parser.types))}"
    if len(set(column.parse)) != len(column.parse):
        yield "parse menyebut satu perbaikan dua kali", "sisakan satu"
    stages = [parser.stage for _, parser in known]
    if stages != sorted(stages):
        yield (
            "urutan parse salah: merapikan teks, lalu membaca nilai, lalu mengolah nilai",
            "mulai dengan teks, petik_excel, ...; lalu angka_id, tanggal_id, ...; lalu bilangan_bulat, kode, ...",
        )
    if stages.count(1) > 1 and any(parser.once for _, parser in known):
        readers = [name for name, parser in known if parser.stage == 1]
        yield f"parse membaca sel yang sama dua kali: {', '.join(readers)}", "sisakan satu"
    yield from _needs(column)
    if column.format is not None and base != "text":
        yield (
            f"format {column.format!r} hanya untuk string, bukan {base}",
            "hapus; physicalType sudah menyebut bentuknya",
        )
    elif column.format is not None and column.format not in FORMATS:
        yield (
            f"format {column.format!r} tidak dikenal",
            f"{hint_of_known(column.format, FORMATS)}; atau pakai pattern",
        )


def _needs(column: Column) -> Iterator[tuple[str, str]]:
    """Checks what some repairs require of other keys of the property. Gives message and hint for each fault."""
    if "satuan" in column.parse and not factors(column.unit):
        units = [name for dimension in _UNITS for names in dimension for name in names.split("|")]
        if column.unit is None:
            yield 'perbaikan "satuan" memerlukan kunci satuan pada kolom itu', hint_of_known(None, units)
        else:
            message = f"parse satuan tidak dapat mengubah ke satuan {column.unit!r}"
            yield message, hint_of_known(column.unit, units)
    if "kode" in column.parse and (column.min_length is None or column.min_length != column.max_length):
        yield "parse kode memerlukan panjang kode", "tulis minLength dan maxLength yang sama"
    if "bulatkan" in column.parse and decimals(column.type) is None:
        yield "parse bulatkan memerlukan banyaknya angka desimal", "tulis physicalType: numeric(p,s)"
    if "klasifikasi" in column.parse and not column.enum:
        yield "parse klasifikasi memerlukan daftar kelas", "tulis enum"
    if column.aliases and "klasifikasi" not in column.parse:
        yield "enum mempunyai alias, tetapi tidak ada yang membacanya", "tulis parse: klasifikasi"
    if "klasifikasi" in column.parse:
        meant: dict[str, str] = {}
        for word, value in _words(column):
            if meant.setdefault(folded(word), value) != value:
                yield f"{word!r} berarti {meant[folded(word)]!r} dan {value!r}", "satu kata untuk satu kelas"


def cursor_faults(contract: Contract) -> Iterator[tuple[Column, str, str]]:
    """Finds columns that the source compares in another way than the warehouse. Gives column, message and hint."""
    for column, role in _compared_columns(contract):
        changing = [name for name in column.parse if name not in _KEEPS_ORDER]
        if not changing:
            continue
        if contract.server.kind == "api":
            message = f"lag dikurangkan dari teks asli cursor {column.name}, bukan hasil parse {changing[0]}"
            yield column, message, "hapus lag, atau pakai cursor lain"
        else:
            message = f"sumber membandingkan teks asli {role} {column.name}, bukan hasil parse {changing[0]}"
            yield column, message, "pakai extract.query dengan cast ke tipe sumber, atau kolom lain"


def _compared_columns(contract: Contract) -> Iterator[tuple[Column, str]]:
    """Gives the columns that the source compares, each with the use that the contract makes of it."""
    names = {c.name for c in contract.stored}
    is_database = contract.server.kind == "database"
    asks = isinstance(contract.extract, ApiExtract) and contract.extract.incremental_param and contract.lag
    if contract.cursor in names and (is_database or asks):
        yield contract.column(contract.cursor), "cursor"
    if contract.partition and is_database and contract.partition.column in names:
        yield contract.column(contract.partition.column), "kolom partition"
