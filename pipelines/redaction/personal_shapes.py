"""Defines the shapes of persons' numbers and addresses, once for both Python and PostgreSQL.

What belongs here: how a NIK, NIP, telephone number, e-mail address or bank account looks in any text. Not here: where
they are searched and what follows (publication/guard.py, `_extra` in load/stage/, messages), and whether a cell of a
declared format is right (warehouse/functions/checks.sql). A shape does not prove that the number was ever issued.

Python and PostgreSQL read the patterns in the same way: `functions` makes them functions of the warehouse,
`ops.berbentuk_nik(text)` and so on. Before the search a text is normalised (`plain`): digits, blanks and dashes of
every kind, invisible characters, the bytes of a bytea, a number with an exponent.

Sources: PP 37/2007, pasal 37 (NIK: region, ddmmyy of birth, a woman's day plus 40, serial; a KK has the same form, with
the day of its issue), Kepmendagri 300.2.2-2430/2025 (provinces), Perka BKN 22/2007 (NIP).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # errors.py imports this module, and must not import a database driver
    from psycopg import sql

MASK = "***"

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_BLANKS = "\t\n\r\v\f\u2028\u2029"
_DIGITS = "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_TO = "-" * len(_DASHES) + " " * len(_BLANKS) + "0123456789" * 2
_FROM = _DASHES + _BLANKS + _DIGITS
_PLAIN = str.maketrans(_FROM, _TO, _INVISIBLE)
_NOT_ASCII = 128
_BYTEA = r"\\x(?:[0-9a-f][0-9a-f])+"
_EXPONENT = r"[ \t-\r]*[0-9][.,][0-9]{7,}[eE][+]?1[0-7][ \t-\r]*"
"""A whole text: a number of 11 to 18 digits as spreadsheets and floating point write it (6.47201520390001E+15)."""
_LOST_DIGIT = "1"
"""Stands for a digit that such a number has lost. No 0, because a NIP has no serial number 000."""

# What may come before and after a number. Python's pattern matches only the number, because it is replaced. PostgreSQL
# only checks whether there is one; there a lookahead or lookbehind takes a hundred times as long. Digits after "0." do
# not count: they are the decimals of a fraction.
_ALONE = ((r"(?<![0-9])(?<!0\.)", "(?![0-9])"), ("(?:^|[^0-9.]|^[.]|[^0][.])", "(?:$|[^0-9])"))
_NO_FRACTION = (
    ("(?<![0-9])(?<![0-9][.,])", "(?![0-9])"),
    ("(?:^|[^0-9.,]|^[.,]|[^0-9][.,])", "(?:$|[^0-9])"),
)
_A_WORD = (("(?i)(?<![a-z])", "(?![0-9.])"), ("(?i)(?:^|[^a-z])", "(?:$|[^0-9.])"))
_ANYWHERE = (("", ""), ("", ""))
_SIGNS, _SIGNS_OR_MARKS = "[ /_:|-]{0,3}", "[ /_:|.,;-]{0,3}"
_ALL_SIGNS = " /_:|.,;-"
_SEEN = {"angka": "[0-9][^A-Za-z]{8}", "surel": "@"}
"""By kind of shape, a fast pattern that every such text of ASCII and Latin letters matches, a bytea excepted. A number
has at least nine digits, and no letter is between them."""
_AS_THEY_ARE = r"[^\u0001-\u007f\u00c0-\u024f]"
"""Matches a character that `plain` may turn into a digit, a sign or "@". All others stay, or become letters."""
_POINT, _COMMA = "(?: ?[.] ?)?", "(?: ?[,;] ?)?"


def _nik(inside: str, gaps: Sequence[str], serial: str) -> str:
    """Returns the pattern of the 16 digits of a NIK.

    inside: the pattern between the two digits of a pair. gaps: the patterns after province, regency, district, day,
    month and year. serial: the pattern of the last four digits.
    No province has the code 99: it is used for the made-up people of demo and tests.
    """
    province = "(?:1~[1-9]|2~1|3~[1-6]|5~[1-3]|6~[1-5]|7~[1-6]|8~[12]|9~[1-69])"
    counted = "(?:0~[1-9]|[1-9]~[0-9])"
    day_and_month = (
        "(?:(?:0~[1-9]|[12]~[0-9]|4~[1-9]|[56]~[0-9])@(?:0~[1-9]|1~[0-2])"
        "|[37]~0@(?:0~[13-9]|1~[0-2])|[37]~1@(?:0~[13578]|1~[02]))"
    )
    after_province, after_regency, after_district, after_day, after_month, after_year = gaps
    parts = (
        *(province, after_province, counted, after_regency, counted, after_district),
        *(day_and_month.replace("@", after_day), after_month, "[0-9]~[0-9]", after_year, serial),
    )
    return "".join(parts).replace("~", inside)


def _nik_shape() -> str:
    """Returns the pattern of a NIK, as identity cards and lists group its digits, or grouped in any other way.

    In another grouping the serial must be below 1000, as nearly all are; without that limit two dates in one cell would
    be a NIK. Points and commas also occur in other numbers, so only one kind of them may separate the digits: two
    coordinates are not a NIK. The serial 0000 does not exist. It is still accepted, because a spreadsheet or a
    floating-point number may round the last digits of 0001 to 0000.
    """
    any_serial, low_serial = "[0-9]{4}", "0~[0-9]~[0-9]~[0-9]"
    written = [
        _nik("", (*[_SIGNS_OR_MARKS] * 3, "", "", _SIGNS_OR_MARKS), any_serial),
        _nik("", ("", _SIGNS, "", _SIGNS, "", _SIGNS), any_serial),
        *(_nik(sign, [sign] * 6, low_serial) for sign in (_SIGNS, _POINT, _COMMA)),
    ]
    return f"(?:{'|'.join(written)})"


def _nip_shape() -> str:
    """Returns the pattern of a NIP: birth yyyymmdd, appointment yyyymm (PPPK: month 21 to 32), sex, serial."""
    parts = (
        "(?:1~9|2~0)~[0-9]~[0-9]~(?:0~[1-9]|1~[0-2])~(?:0~[1-9]|[12]~[0-9]|3~[01])",
        "(?:1~9|2~0)~[0-9]~[0-9]~(?:0~[1-9]|1~[0-2]|2~[1-9]|3~[0-2])~[12]~(?:[1-9]~[0-9]~[0-9]|0~[1-9]~[0-9]|0~0~[1-9])",
    )
    return "~".join(parts).replace("~", _SIGNS_OR_MARKS)


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of personal text.

    name: its name here and in ops.berbentuk_<name>. words: its name in messages. pattern: a regular expression.
    around: the patterns before and after it, for Python and for PostgreSQL.
    min_bytes: the length of the shortest such text. quick_pattern: a fast pattern that every such text matches after
    its separators are removed. kind: the key of `_SEEN` with a fast pattern for the text as it is.
    The warehouse runs the slow pattern only on texts that pass these tests.
    """

    name: str
    words: str
    pattern: str
    around: tuple[tuple[str, str], tuple[str, str]]
    min_bytes: int
    quick_pattern: str
    kind: str
    compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compiled", re.compile(self.pattern.join(self.around[0])))

    @property
    def in_sql(self) -> str:
        """The pattern for PostgreSQL, with the patterns before and after it."""
        return self.pattern.join(self.around[1])


NIK = Shape("nik", "NIK", _nik_shape(), _ALONE, 16, "[0-9]{16}", "angka")
"""Also a KK, which has the same form."""
NIP = Shape("nip", "NIP", _nip_shape(), _ALONE, 18, "[0-9]{18}", "angka")
PHONE = Shape(
    "ponsel",
    "nomor ponsel",
    "(?:[+]?62[ -]{0,2}|0)8[1-9](?:[ .-]{0,2}[0-9]){7,10}",
    _NO_FRACTION,
    10,
    "8[1-9][0-9]{7}",
    "angka",
)
"""A mobile number: a landline is an office's."""
EMAIL = Shape(
    "surel",
    "alamat surel",
    r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:[.][A-Za-z0-9-]{1,63})+",
    _ANYWHERE,
    5,
    "@",
    "surel",
)
ACCOUNT = Shape(
    "rekening",
    "nomor rekening",
    "(?:rekening|rek|norek|bank|bri|bni|bca|bsi|btn|bpd)(?:[^a-z0-9][^0-9]{0,19})?[0-9](?:[ -]?[0-9]){8,15}",
    _A_WORD,
    12,
    "[0-9]{9}",
    "angka",
)
"""A bank account. Only the words before it distinguish it from another number; codes of budget accounts have points."""

NUMBERS = (NIK, NIP)
"""Shapes that always belong to a person."""
ALL = (NIK, NIP, PHONE, EMAIL, ACCOUNT)
"""All shapes, also those that may belong to an office: for texts where no contact of an office is expected."""


def plain(text: str) -> str:
    """Normalises `text` for the patterns. ops.bentuk_polos does the same."""
    if re.fullmatch(_BYTEA, text):
        text = bytes(byte for byte in bytes.fromhex(text[2:]) if 0 < byte < _NOT_ASCII).decode("ascii")
    elif re.fullmatch(_EXPONENT, text):
        written, exponent = re.split("[eE]", text)
        digits = int(exponent) + 1
        text = re.sub("[^0-9]", "", written)[:digits].ljust(digits, _LOST_DIGIT)
    return unicodedata.normalize("NFKC", text).translate(_PLAIN)


def found(text: str, shapes: Collection[Shape] = NUMBERS) -> tuple[Shape, ...]:
    """Returns those of `shapes` that `text` contains."""
    seen = plain(text)
    return tuple(shape for shape in shapes if shape.compiled.search(seen))


def masked(text: str, shapes: Collection[Shape] = ALL) -> str:
    """Replaces each part of `text` that has one of `shapes` with MASK.

    If a shape is found only after normalisation, the whole text becomes MASK.
    """
    for shape in shapes:
        text = shape.compiled.sub(MASK, text)
    return MASK if found(text, shapes) else text


def contains_shape(text: sql.Composable, shapes: Collection[Shape] = NUMBERS) -> sql.Composed:
    """Returns an SQL condition: whether a text contains one of `shapes`; NULL contains none."""
    from psycopg import sql

    tests: list[sql.Composable] = []
    for kind in dict.fromkeys(shape.kind for shape in shapes):
        alike = [shape for shape in shapes if shape.kind == kind]
        slow = sql.SQL(" or ").join(
            sql.SQL("{}({})").format(sql.Identifier("ops", f"berbentuk_{shape.name}"), text)
            for shape in alike
        )
        # Nearly every text fails this test, which is made once for all shapes of the kind.
        test = sql.SQL("case when octet_length({0}) >= {1} and ops.{2}({0}) then {3} end").format(
            text, sql.Literal(min(shape.min_bytes for shape in alike)), sql.Identifier(_may_have(kind)), slow
        )
        tests.append(test)
    return sql.SQL("coalesce({}, false)").format(sql.SQL(" or ").join(tests))


def _may_have(kind: str) -> str:
    """The name of the SQL function that says quickly whether a text may have a shape of this kind."""
    return f"mungkin_{kind}"


def is_nik_when_joined(left: sql.Composable, right: sql.Composable) -> sql.Composed:
    """Returns an SQL condition: whether two neighbouring cells are a NIK only when joined; false if one is NULL.

    Two codes of one region, and the code of a region next to a period, are excluded.
    """
    from psycopg import sql

    return sql.SQL(
        "coalesce(ops.berbentuk_nik_terbagi(ops.bentuk_polos({}), ops.bentuk_polos({})), false)"
    ).format(left, right)


def functions() -> list[sql.Composed]:
    """Returns statements that create the functions of the warehouse, from ops.bentuk_polos to ops.berbentuk_<name>."""
    from psycopg import sql

    head = sql.SQL(
        "create or replace function {}({}) returns {} language sql immutable parallel safe return "
    )

    def function(name: str, arguments: str, gives: str, body: sql.Composable) -> sql.Composed:
        return (
            head.format(sql.Identifier("ops", name), sql.SQL(arguments), sql.SQL(gives))  # type: ignore[arg-type]
            + body
        )

    # Nearly all texts are ASCII, and the cost of translate grows with the number of characters that it replaces.
    plain_text = sql.SQL(
        "case when octet_length(t) <> char_length(t) then translate(normalize(t, NFKC), {}, {})"
        " when starts_with(t, {}) and t ~ {} then translate("
        "regexp_replace(encode(decode(substr(t, 3), 'hex'), 'escape'), {}, '', 'g'), {blanks}, {as_blank})"
        " when t ~ {exponent} then rpad(regexp_replace(split_part(lower(t), 'e', 1), '[^0-9]', '', 'g'),"
        " split_part(lower(t), 'e', 2)::integer + 1, {lost})"
        " when t ~ {control} then translate(t, {blanks}, {as_blank}) else t end"
    ).format(
        sql.Literal(_FROM + _INVISIBLE),
        sql.Literal(_TO),
        sql.Literal("\\x"),
        sql.Literal(f"^{_BYTEA}$"),
        sql.Literal(r"\\[0-7][0-7][0-7]"),
        blanks=sql.Literal(_BLANKS),
        as_blank=sql.Literal(" " * len(_BLANKS)),
        exponent=sql.Literal(f"^{_EXPONENT}$"),
        lost=sql.Literal(_LOST_DIGIT),
        control=sql.Literal("[\t-\r]"),
    )
    made = [function("bentuk_polos", "t text", "text", plain_text)]
    for kind, seen in _SEEN.items():
        quick = sql.SQL(
            "t ~ {} or starts_with(t, {}) or (octet_length(t) <> char_length(t) and t ~ {})"
        ).format(sql.Literal(seen), sql.Literal("\\x"), sql.Literal(_AS_THEY_ARE))
        made.append(function(_may_have(kind), "t text", "boolean", quick))
    for shape in ALL:
        test = sql.SQL(
            "case when octet_length(t) < {} or not ops.{}(t) then false"
            " when translate(ops.bentuk_polos(t), {}, '') ~ {} then ops.bentuk_polos(t) ~ {} else false end"
        ).format(
            sql.Literal(shape.min_bytes),
            sql.Identifier(_may_have(shape.kind)),
            sql.Literal(_ALL_SIGNS),
            sql.Literal(shape.quick_pattern),
            sql.Literal(shape.in_sql),
        )
        made.append(function(f"berbentuk_{shape.name}", "t text", "boolean", test))
    # Two codes of one region in neighbouring cells, or a region and a period, are not a person.
    split = sql.SQL(
        "octet_length(a) <= 60 and octet_length(b) <= 60"
        " and a !~ '[^0-9 /_:|.,-]' and b !~ '[^0-9 /_:|.,-]'"
        " and left(translate(a, '.- ', ''), 4) <> left(translate(b, '.- ', ''), 4)"
        " and a !~ '^[1-9][0-9]([.][0-9][0-9]){1,2}([.][0-9]{4})?$'"
        " and not ops.berbentuk_nik(a) and not ops.berbentuk_nik(b) and ops.berbentuk_nik(a || ' ' || b)"
    )
    made.append(function("berbentuk_nik_terbagi", "a text, b text", "boolean", split))
    return made
