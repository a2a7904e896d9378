"""Makes SQL that gives a MariaDB or MySQL column as text: plain, as a field of COPY text, or in a JSON object.

What belongs here: pure functions from columns to SQL. The SQL means the same under every sql_mode: names are in
backticks, literals are hexadecimal bytes. Not here: the SELECT (mysql.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.extract.database.shape import SourceColumn
from pipelines.extract.stream import ESCAPES

NULL = "0x5C4E"
_TAB = "0x09"
_UTF8 = frozenset({"utf8", "utf8mb3", "utf8mb4", "ascii"})
_SPATIAL = frozenset(
    {"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"}
    | {"geometrycollection", "geomcollection"}
)


def quoted(name: str) -> str:
    """Returns a name in backticks."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """Returns a text as a literal that every sql_mode reads in the same way."""
    return f"0x{text.encode().hex()}" if text else "''"


def characters(name: str, column: SourceColumn) -> str:
    """Returns SQL for a value's text in utf8mb4: binary as PostgreSQL writes bytea, geometries as well-known text."""
    stored = quoted(name)
    if column.family == "binary":
        return f"concat(_utf8mb4 0x5C78, lower(hex({stored})))"
    if column.family in ("text", "json"):
        return f"convert({stored} using utf8mb4)"
    if column.native == "bit":
        return f"concat(cast({stored} as unsigned))"
    if column.native == "float":
        return _float(stored)
    if column.native in _SPATIAL:
        return f"convert(st_astext({stored}) using utf8mb4)"
    return f"concat({stored})"


def cell(name: str, column: SourceColumn) -> str:
    """Returns SQL for a value of any length: no function is applied to texts and bytes."""
    return quoted(name) if column.family in ("text", "json", "binary") else characters(name, column)


def field(name: str, column: SourceColumn) -> str:
    """Returns SQL for a value as one field of COPY text. It is NULL only if the server can't build it (mysql.py)."""
    stored = quoted(name)
    if column.family == "binary":
        text = f"concat(0x5C5C78, lower(hex({stored})))"
    elif column.family in ("text", "json", "other"):
        # A column in UTF-8 gives its stored bytes, valid or not; clean.py finds the invalid ones.
        text = stored if column.charset in _UTF8 else characters(name, column)
        text = _escaped(f"cast({text} as binary)")
    elif column.native in ("bit", "float"):
        text = characters(name, column)
    else:
        return f"ifnull({stored}, {NULL})"
    return f"if({stored} is null, {NULL}, {text})"


def json_field(columns: Mapping[str, SourceColumn]) -> str:
    """Returns SQL for a JSON object of the columns' texts, as one field of COPY text."""
    pairs = [f"_utf8mb4 {literal(n)}, {characters(n, c)}" for n, c in columns.items()]
    return _escaped(f"cast(json_object({', '.join(pairs)}) as binary)")


def line(fields: Sequence[str]) -> str:
    """Returns SQL for a row as one line of COPY text.

    concat() is NULL if a field could not be built; concat_ws() would leave out the field.
    """
    return f"concat({f', {_TAB}, '.join(fields)})"


def _escaped(text: str) -> str:
    for found, written in ESCAPES:
        text = f"replace({text}, {literal(found)}, {literal(written)})"
    return text


def _float(stored: str) -> str:
    """Returns SQL for the shortest text that reads back as the same 4-byte number: the server's 6 digits, or more.

    A text reads back as the same number if it is nearer to it than half of the distance to the next number, which is
    2 ** (exponent - 24) (IEEE 754 binary32).
    """
    exact = f"({stored} + 0e0)"
    half = f"pow(2, floor(log2(abs({stored}))) - 24)"
    found = [f"when abs(concat({stored}) - {stored}) < {half} then concat({stored})"]
    for digits in (7, 8, 9):
        rounded = f"round({exact}, {digits - 1} - floor(log10(abs({stored}))))"
        found.append(f"when abs({rounded} - {stored}) < {half} then concat({rounded})")
    return f"case {' '.join(found)} else concat({exact}) end"
