"""Checks the types of a property of ODCS and its `logicalTypeOptions`: which exist, and which fit together.

What belongs here: physical and logical types, bounds, lengths, time zones. Not here: which other keys a property may
have (vocabulary.py), what a pattern may hold (patterns.py), repairs and formats (repairs.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from pipelines.contracts.columns import LOGICAL_TYPES, PHYSICAL_TYPE
from pipelines.contracts.odcs import BOUNDS, Found
from pipelines.contracts.patterns import PatternError, check
from pipelines.suggest import hint_of_known

ZONE = "Asia/Makassar"
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "string": ("minLength", "maxLength", "pattern", "format"),
    "integer": (*BOUNDS, "multipleOf"),
    "number": (*BOUNDS, "multipleOf"),
    "date": BOUNDS,
    "time": BOUNDS,
    "timestamp": (*BOUNDS, "timezone", "defaultTimezone"),
    "boolean": (),
}
"""The options that a load checks, by logical type. repairs.py says which `format` is allowed for each type."""
_KNOWN_TYPES = (
    *("text", "smallint", "integer", "bigint", "numeric(p,s)", "double precision"),
    *("boolean", "date", "time", "timestamp", "timestamptz"),
)
_OTHER_WORDS = {
    **dict.fromkeys(
        ("varchar", "char", "character varying", "nvarchar", "string", "uuid", "json", "jsonb"), "text"
    ),
    **dict.fromkeys(("int", "int4", "mediumint", "serial"), "integer"),
    **dict.fromkeys(("int2", "tinyint"), "smallint"),
    **dict.fromkeys(("int8", "long", "bigserial"), "bigint"),
    **dict.fromkeys(("decimal", "dec", "number", "money"), "numeric"),
    **dict.fromkeys(("float", "float8", "real", "double"), "double precision"),
    **dict.fromkeys(("bool", "bit"), "boolean"),
    **dict.fromkeys(("datetime", "datetime2", "timestamp without time zone"), "timestamp"),
    "timestamp with time zone": "timestamptz",
}
"""Types of other databases, and our type for their values."""
_RANGES = {"smallint": 1 << 15, "integer": 1 << 31, "bigint": 1 << 63}


def type_faults(prop: Mapping[str, Any]) -> Iterator[Found]:
    """Gives the faults in a property's types and options, with their places in the property."""
    physical, logical = str(prop.get("physicalType")), str(prop.get("logicalType"))
    base = physical.split("(")[0]
    if not PHYSICAL_TYPE.fullmatch(physical):
        message = f"physicalType {prop.get('physicalType')!r} tidak dikenal"
        yield ("physicalType",), message, _type_hint(physical)
    elif base not in LOGICAL_TYPES.get(logical, ()):
        fitting = next(name for name, types in LOGICAL_TYPES.items() if base in types)
        message = f"logicalType {prop.get('logicalType')!r} tidak cocok dengan physicalType {physical}"
        yield ("logicalType",), message, f"tulis logicalType: {fitting}, atau ubah physicalType"
    else:
        options = cast("dict[str, Any]", prop.get("logicalTypeOptions") or {})
        for option, message, hint in _options(logical, base, options):
            yield ("logicalTypeOptions", option), message, hint


def _type_hint(physical: str) -> str:
    """Returns a hint with all types; for a type of another database with our type for it first."""
    base, _, rest = physical.lower().partition("(")
    ours = _OTHER_WORDS.get(base.strip())
    if ours == "numeric":
        ours = f"numeric({rest}" if re.fullmatch(r"\d+,\s?\d+\)", rest) else "numeric(p,s)"
    if ours:
        return f"maksudnya {ours}? yang dikenal: {', '.join(_KNOWN_TYPES)}"
    return hint_of_known(physical, _KNOWN_TYPES)


def _options(logical: str, physical: str, options: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Gives for each faulty option its name, what is wrong with it, and how to fix it."""
    known = _OPTIONS[logical]
    for name in options:
        if name not in known and name != "format":
            yield name, f"{name} untuk {logical} tidak diperiksa di sini", hint_of_known(name, known)
    if set(BOUNDS) <= set(known):
        yield from _bounds(physical, options)
    shortest, longest = options.get("minLength"), options.get("maxLength")
    if isinstance(shortest, int) and isinstance(longest, int) and shortest > longest:
        message = f"tidak ada teks dengan sedikitnya {shortest} dan paling banyak {longest} karakter"
        yield "minLength", message, "perbaiki minLength atau maxLength"
    if logical == "string" and isinstance(options.get("pattern"), str):
        try:
            check(options["pattern"])
        except PatternError as error:
            yield "pattern", f"pattern {options['pattern']!r}: {error.message}", error.hint
    zoned = physical == "timestamptz"
    if logical == "timestamp" and options.get("timezone", zoned) != zoned:
        message = f"{physical} {'memuat' if zoned else 'tidak memuat'} zona waktu"
        yield "timezone", message, "samakan timezone dan physicalType"
    if logical == "timestamp" and options.get("defaultTimezone", ZONE) != ZONE:
        message = f"waktu tanpa zona dibaca sebagai {ZONE}"
        yield "defaultTimezone", message, "hapus defaultTimezone, atau pakai parse: zona_wita"


def _bounds(physical: str, options: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    values: dict[str, Any] = {}
    for name in (n for n in BOUNDS if options.get(n) is not None):
        try:
            values[name] = _bound(physical, str(options[name]))
        except (ValueError, InvalidOperation):
            yield name, f"{name} {options[name]!r} bukan {physical}", "tulis nilai dengan tipe kolom itu"
    for both in (BOUNDS[:2], BOUNDS[2:]):
        if values.keys() >= set(both):
            yield both[1], f"{both[0]} dan {both[1]} bertentangan", "sisakan satu"
    lowest = [values[n] for n in BOUNDS[:2] if n in values]
    highest = [values[n] for n in BOUNDS[2:] if n in values]
    inclusive = "exclusiveMinimum" not in values and "exclusiveMaximum" not in values
    if lowest and highest and (lowest[0] > highest[0] or (lowest[0] == highest[0] and not inclusive)):
        name = next(n for n in BOUNDS if n in values)
        yield name, "tidak ada nilai di antara kedua batas", "perbaiki salah satunya"


def _bound(physical: str, text: str) -> Any:
    """Returns a bound as a value that can be compared. Raises ValueError or InvalidOperation.

    It refuses what PostgreSQL would refuse, and also weeks, zones, and numbers that are not finite.
    """
    match physical:
        case "date" | "time" | "timestamp" | "timestamptz" if "W" in text:
            raise ValueError(text)  # ISO 8601's day of a week, which PostgreSQL does not know
        case "date":
            return date.fromisoformat(text)
        case "time":
            bound: time | datetime = time.fromisoformat(text)
        case "timestamp" | "timestamptz":
            bound = datetime.fromisoformat(text)
        case _:
            number = Decimal(text)
            if not number.is_finite() or (physical in _RANGES and number != int(number)):
                raise ValueError(text)
            if physical in _RANGES and not -_RANGES[physical] <= number < _RANGES[physical]:
                raise ValueError(text)
            return number
    if bound.tzinfo is not None:
        raise ValueError(text)
    return bound
