"""What each physical type asks of a cell's text, and what the OPD reads where a cell is not of the type.

What belongs here: templates of SQL and of messages, one `CellType` per type. In a template `{text}` stands for the
cell's cleaned text; `{type}`, `{scale}` and `{underscores}` are filled in for the column's own type. Not here: the
rules of a column that are made of them (rules.py), repairs (contracts/repairs.py).

Source: PostgreSQL manual, chapter 8 "Data Types".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

WHOLE_NUMBER = r"^\s*[-+]?\d+\s*$"
DECIMAL_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
_DATE_OR_TIME = r"^\s*\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?\s*$"


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a file must spell a value. PostgreSQL itself takes more: "0x1F", "NaN", "today".

    canonical: an SQL test for the spelling that PostgreSQL itself would write. It costs a fifth of a regular
    expression, most cells pass it, and it is true only where `pattern` matches. NULL for an empty cell.
    pattern: a regular expression for all spellings that are allowed.
    """

    canonical: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Precision:
    """What a cell must be so that the cast to its type loses nothing of its value.

    quick: a cheap SQL test that most cells pass. exact: an SQL test that is right for all.
    message, hint: for a cell that would lose something.
    canonical: what must hold beside `Spelling.canonical` so that nothing is lost: "" for nothing more, None where a
    canonical spelling may still lose something.
    """

    quick: str
    exact: str
    message: str
    hint: str
    canonical: str | None = None


@dataclass(frozen=True, slots=True)
class CellType:
    """One physical type, without its length.

    label: what a cell should be, as the OPD reads it.
    spelling: how a file must spell it; None where PostgreSQL's own reading is enough.
    finite_text: an SQL test that a database's text is no NaN and no infinity; None for a type without them.
    finite_value: the same of a value of the type.
    precision: what the cast must not lose; None where it loses nothing, or is inexact by declaration.
    bits: of a whole number: its values are less than two to this power.
    """

    label: str
    spelling: Spelling | None = None
    finite_text: str | None = None
    finite_value: str | None = None
    precision: Precision | None = None
    bits: int | None = None


def _whole_number(kind: str, bits: int) -> CellType:
    return CellType("bilangan bulat", Spelling(f"{{text}}::{kind}::text = {{text}}", WHOLE_NUMBER), bits=bits)


_NO_NAN_NOR_INFINITY = "{text} not like '%n%' and {text} not like '%N%'"
_FINITE_NUMBER = "({value} > '-infinity' and {value} < 'infinity')"
_NO_INFINITY = "{text} not ilike '%infinity%'"
_FINITE_TIME = "isfinite({value})"


def _fraction_of_a_second(canonical: str | None = None) -> Precision:
    """At most six digits of a second are kept."""
    return Precision(
        quick="octet_length({text}) <= 19 or {text} not like '%._______%'",
        exact=r"{text} !~ '\.[0-9]{{6}}[0-9]*[1-9]'",
        message="lebih halus daripada sepersejuta detik, dan tidak dipotong begitu saja",
        hint="tulis paling banyak 6 angka di belakang detik, atau izinkan di kontrak dengan parse: mikrodetik",
        canonical=canonical,
    )


TYPES: Mapping[str, CellType] = {
    "smallint": _whole_number("smallint", 15),
    "integer": _whole_number("integer", 31),
    "bigint": _whole_number("bigint", 63),
    "numeric": CellType(
        "angka",
        Spelling(
            "{text}::numeric::text = {text} and {text} not in ('NaN', 'Infinity', '-Infinity')",
            DECIMAL_NUMBER,
        ),
        _NO_NAN_NOR_INFINITY,
        _FINITE_NUMBER,
        Precision(
            # Digits are lost behind the point, or by a negative power of ten.
            quick="{text} not like '%.{underscores}%' and strpos({text}, '-') <= 1",
            exact="{text}::numeric = {text}::{type}",
            message="lebih dari {scale} angka di belakang koma, dan tidak dibulatkan begitu saja",
            hint="tulis paling banyak {scale} angka di belakang koma, atau izinkan di kontrak dengan parse: bulatkan",
            canonical="{text} not like '%.{underscores}%'",
        ),
    ),
    "double precision": CellType(
        "angka",
        Spelling(
            "{text} not like '%n%' and {text} not like '%N%' and {text} not like '%x%' and {text} not like '%X%'",
            DECIMAL_NUMBER,
        ),
        _NO_NAN_NOR_INFINITY,
        _FINITE_NUMBER,
    ),
    "boolean": CellType(
        "true/false",
        # PostgreSQL would take "T", for Tidak, as true.
        Spelling(
            "{text} in ('true', 'false', '1', '0')",
            r"^\s*([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|1|0)\s*$",
        ),
    ),
    "date": CellType(
        "tanggal (tttt-bb-hh)",
        # PostgreSQL would drop a zone silently, and the date could be a day off.
        Spelling("{text} like '____-__-__' and {text}::date::text = {text}", _DATE_OR_TIME),
        _NO_INFINITY,
        _FINITE_TIME,
        Precision(
            quick="octet_length({text}) <= 10",
            exact="case when pg_input_is_valid({text}, 'timestamp') then {text}::timestamp::time = '00:00' else true"
            " end",
            message="memuat jam, dan tidak dipotong begitu saja",
            hint="tulis tanggalnya saja (tttt-bb-hh), atau izinkan di kontrak dengan parse: tanggal_saja",
            canonical="",
        ),
    ),
    "time": CellType(
        "jam (jj:mm)",
        precision=Precision(
            quick="{text} like '__:__:__' or {text} like '__:__'",
            exact=r"{text} ~ '^\s*\d{{1,2}}:\d{{2}}(:\d{{2}}(\.\d{{1,6}}0*)?)?\s*([AaPp][Mm])?\s*$'",
            message="memuat tanggal, zona, atau pecahan, dan tidak dipotong begitu saja",
            hint="tulis jamnya saja (jj:mm:dd)",
        ),
    ),
    "timestamp": CellType(
        "waktu (tttt-bb-hh jj:mm:dd)",
        # A text that ends with "C" is a year before Christ (BC).
        Spelling(
            "{text} like '____-__-__ __:__:__%' and {text} not like '%C' and {text}::timestamp::text = {text}",
            _DATE_OR_TIME,
        ),
        _NO_INFINITY,
        _FINITE_TIME,
        _fraction_of_a_second(canonical=""),
    ),
    "timestamptz": CellType(
        "waktu (tttt-bb-hh jj:mm:dd)",
        Spelling("false", r"^\s*\d{4}-\d{1,2}-\d{1,2}"),
        _NO_INFINITY,
        _FINITE_TIME,
        _fraction_of_a_second(),
    ),
}
"""By the name of the type without its length. `text` takes every cell, and is not here."""

_PRECISION_AND_SCALE = re.compile(r"numeric\((\d+),\s?(\d+)\)")


def cell_type(kind: str) -> CellType:
    """The type of `kind`, a physicalType such as numeric(8,2)."""
    return TYPES[kind.split("(")[0]]


def out_of_range(kind: str) -> tuple[str, str] | None:
    """Message and hint for a number that is too large for the type `kind`; None for a type that is no number."""
    found = cell_type(kind)
    if found.bits:
        limit = 1 << found.bits
        message = f"di luar jangkauan {kind} ({-limit} sampai {limit - 1})"
    elif sizes := _PRECISION_AND_SCALE.fullmatch(kind):
        before = int(sizes[1]) - int(sizes[2])
        message = f"di luar jangkauan {kind.replace(' ', '')} (paling banyak {before} angka di depan koma)"
    elif kind in ("numeric", "double precision"):
        message = f"di luar jangkauan {kind}"
    else:
        return None
    return message, "periksa angkanya; kalau benar, physicalType di kontrak perlu yang lebih besar"
