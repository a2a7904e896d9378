"""Defines for each physical type which texts are valid, and what the OPD reads about an invalid one.

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
    """The spellings of a value that we allow in a file. PostgreSQL itself accepts more: "0x1F", "NaN", "today".

    canonical: an SQL test for the spelling that PostgreSQL itself would write. It costs a fifth of a regular
    expression, most cells pass it, and it is true only where `pattern` matches. NULL for an empty cell.
    pattern: a regular expression for all spellings that are allowed.
    """

    canonical: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Precision:
    """The tests that the cast of a cell to its type loses nothing of the value.

    quick: a cheap SQL test that most cells pass. exact: an SQL test that is right for all.
    message, hint: for a cell that would lose something.
    canonical: a test that must hold in addition to `Spelling.canonical` so that nothing is lost: "" if that one is
    enough, None if a canonical spelling may still lose something.
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
    spelling: the spellings that we allow in a file; None if every spelling that PostgreSQL accepts is allowed.
    finite_text: an SQL test that a database's text is no NaN and no infinity; None for a type without them.
    finite_value: the same test for a typed value.
    precision: the tests that the cast loses nothing; None if it never does, or if the type is inexact by definition.
    bits: for a whole number, the n of its greatest value 2^n - 1.
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
    """The tests that a time has at most six digits of a second, which is all that PostgreSQL keeps."""
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
            # Digits may be lost after the point, or by a negative power of ten.
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
"""The types by their name without the length. `text` is not here, because it accepts every cell."""

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
