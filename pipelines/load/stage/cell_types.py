"""What a text must look like to be a value of a type, what the type would change in it, how far it reaches; and what
the OPD reads of that.

What belongs here: templates of SQL and of messages by type. Not here: the rules of a column that are made of them
(rules.py), repairs (contracts/repairs.py). Source: PostgreSQL manual, chapter 8 "Data Types".
"""

from __future__ import annotations

import re

WHOLE = r"^\s*[-+]?\d+\s*$"
DECIMAL = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
_DAY = r"^\s*\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?\s*$"
STRICT: dict[str, tuple[str, str]] = {
    "smallint": ("{text}::smallint::text = {text}", WHOLE),
    "integer": ("{text}::integer::text = {text}", WHOLE),
    "bigint": ("{text}::bigint::text = {text}", WHOLE),
    "numeric": (
        "{text}::numeric::text = {text} and {text} not in ('NaN', 'Infinity', '-Infinity')",
        DECIMAL,
    ),
    "double precision": (
        "{text} not like '%n%' and {text} not like '%N%' and {text} not like '%x%' and {text} not like '%X%'",
        DECIMAL,
    ),
    # PostgreSQL would take "T", for Tidak, as true.
    "boolean": (
        "{text} in ('true', 'false', '1', '0')",
        r"^\s*([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|1|0)\s*$",
    ),
    # It would leave out a zone without a word, and be hours or a day wrong.
    "date": ("{text} like '____-__-__' and {text}::date::text = {text}", _DAY),
    # "%C" is a year before Christ.
    "timestamp": (
        "{text} like '____-__-__ __:__:__%' and {text} not like '%C' and {text}::timestamp::text = {text}",
        _DAY,
    ),
    "timestamptz": ("false", r"^\s*\d{4}-\d{1,2}-\d{1,2}"),
}
"""What a text of a type may look like beside what PostgreSQL takes ("0x1F", "NaN", "today"): a regular expression, and
before it a test of the form that PostgreSQL itself would write, which costs a fifth of one. Both true or false alike.
"""
TIMES = ("date", "timestamp", "timestamptz")
FINITE = {
    **dict.fromkeys(("numeric", "double precision"), "{text} not like '%n%' and {text} not like '%N%'"),
    **dict.fromkeys(TIMES, "{text} not ilike '%infinity%'"),
}
"""Of a text of a database, which PostgreSQL may take as it takes it: that it is no NaN and no infinity."""
WORDS = {
    "smallint": "bilangan bulat",
    "integer": "bilangan bulat",
    "bigint": "bilangan bulat",
    "numeric": "angka",
    "double precision": "angka",
    "boolean": "true/false",
    "date": "tanggal (tttt-bb-hh)",
    "time": "jam (jj:mm)",
    "timestamp": "waktu (tttt-bb-hh jj:mm:dd)",
    "timestamptz": "waktu (tttt-bb-hh jj:mm:dd)",
}
_FRACTION = (
    "octet_length({text}) <= 19 or {text} not like '%._______%'",
    r"{text} !~ '\.[0-9]{{6}}[0-9]*[1-9]'",
    "lebih halus daripada sepersejuta detik, dan tidak dipotong begitu saja",
    "tulis paling banyak 6 angka di belakang detik, atau izinkan di kontrak dengan parse: mikrodetik",
)
KEEPS: dict[str, tuple[str, str, str, str]] = {
    # Digits are lost behind the point, or by a negative power of ten.
    "numeric": (
        "{text} not like '%.{more}%' and strpos({text}, '-') <= 1",
        "{text}::numeric = {text}::{type}",
        "lebih dari {scale} angka di belakang koma, dan tidak dibulatkan begitu saja",
        "tulis paling banyak {scale} angka di belakang koma, atau izinkan di kontrak dengan parse: bulatkan",
    ),
    "date": (
        "octet_length({text}) <= 10",
        "case when pg_input_is_valid({text}, 'timestamp') then {text}::timestamp::time = '00:00' else true end",
        "memuat jam, dan tidak dipotong begitu saja",
        "tulis tanggalnya saja (tttt-bb-hh), atau izinkan di kontrak dengan parse: tanggal_saja",
    ),
    "timestamp": _FRACTION,
    "timestamptz": _FRACTION,
    "time": (
        "{text} like '__:__:__' or {text} like '__:__'",
        r"{text} ~ '^\s*\d{{1,2}}:\d{{2}}(:\d{{2}}(\.\d{{1,6}}0*)?)?\s*([AaPp][Mm])?\s*$'",
        "memuat tanggal, zona, atau pecahan, dan tidak dipotong begitu saja",
        "tulis jamnya saja (jj:mm:dd)",
    ),
}
"""What a cell of a type must be so that the cast leaves its value as it is: a cheap test that most cells pass, and one
that is right for all; what is said of one that is not, and the mend. A double precision is inexact by declaration.
"""
CANONICAL = {"numeric": " and {{text}} not like '%.{more}%'", "date": "", "timestamp": ""}
"""Types of which the cheap test in STRICT says that nothing is lost, and what is to be asked besides."""

WHOLE_NUMBERS = {"smallint": 15, "integer": 31, "bigint": 63}
"""Types of whole numbers, and the power of two that their values stay below."""
_DIGITS = re.compile(r"numeric\((\d+),\s?(\d+)\)")


def reach(kind: str) -> tuple[str, str] | None:
    """What is said of a number that a type does not hold, and the fix; None for a type that is no number."""
    if kind in WHOLE_NUMBERS:
        most = 1 << WHOLE_NUMBERS[kind]
        message = f"di luar jangkauan {kind} ({-most} sampai {most - 1})"
    elif found := _DIGITS.fullmatch(kind):
        before = int(found[1]) - int(found[2])
        message = f"di luar jangkauan {kind.replace(' ', '')} (paling banyak {before} angka di depan koma)"
    elif kind in ("numeric", "double precision"):
        message = f"di luar jangkauan {kind}"
    else:
        return None
    return message, "periksa angkanya; kalau benar, physicalType di kontrak perlu yang lebih besar"
