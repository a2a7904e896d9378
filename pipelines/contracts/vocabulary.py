"""Which words of ODCS a contract of ours may use: what nothing here would keep is refused, never silently passed over.

What belongs here: names that must be known, options that fit their type, promises that nobody keeps. Words that only
describe (tags, examples, authoritativeDefinitions, price, context, ...) are free. Not here: YAML and lines
(files.py), what a contract means (model.py), repairs and formats (repairs.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from pipelines.contracts.columns import (
    CLASSIFICATIONS,
    IDENTIFIER,
    LOGICAL_TYPES,
    PERIOD_TYPES,
    PHYSICAL_TYPE,
)
from pipelines.contracts.model import SLA_HOURS, SYSTEM_COLUMNS
from pipelines.contracts.odcs import Location, custom_properties
from pipelines.contracts.patterns import PatternError, check

Found = tuple[Location, str, str]
"""Where a fault is, what it is, the mend."""

CONTRACT_PROPERTIES = frozenset(
    {
        "extract",
        "write_disposition",
        "merge_strategy",
        "cursor",
        "lag",
        "reconcile",
        "partition",
        "schema_contract",
        "max_quarantine_share",
        "max_shrink_share",
        "check_timeout",
        "publish",
    }
)
COLUMN_PROPERTIES = frozenset(
    {"missing_values", "parse", "satuan", "ukuran", "pseudonymise", "retain_original", "drop"}
)
SERVER_PROPERTIES = frozenset({"rows_per_second", "load_hours", "statement_timeout", "wait_limit"})
_CUSTOM: Mapping[tuple[str, ...], frozenset[str]] = {
    (): CONTRACT_PROPERTIES,
    ("servers",): SERVER_PROPERTIES,
    ("schema", "properties"): COLUMN_PROPERTIES,
    ("schema", "properties", "enum"): frozenset({"alias"}),
    ("schema", "properties", "relationships"): frozenset({"where", "normalise"}),
}
"""Our own words, by the names that lead to them; customProperties anywhere else have none."""

_SERVER_KEYS = {"id", "server", "type", "description", "environment", "customProperties"}
_LOCATION_KEYS = {"local": {"path", "format"}, "api": {"location"}, "custom": {"location"}}
_SUITE = "rules that a contract can't say are a suite: expectations/<opd>/<dataset>.json"
_UNKEPT: Mapping[tuple[str, ...], Mapping[str, str]] = {
    (): {
        "roles": "drop it: who may read a mart is its `grants` in dbt_like_sql/",
        "slaDefaultElement": "drop it: slaProperties are of the whole dataset",
    },
    ("schema",): {
        "quality": _SUITE,
        "relationships": "give a column its relationships; what several columns must keep is a suite",
        "physicalName": "drop it: extract says what is read",
    },
    ("schema", "properties"): {
        "quality": _SUITE,
        "partitioned": "drop it: customProperties of the contract has partition",
        "partitionKeyPosition": "drop it: customProperties of the contract has partition",
        "encryptedName": "drop it: pseudonymise is our word",
        "transformLogic": "drop it: parse repairs a cell, extract.query computes one, a model everything else",
    },
    ("slaProperties",): {
        "valueExt": "drop it: no span is read, only value",
        "element": "only frequency has one: the column that says up to when the data go",
        "scheduler": "drop it: every night loads every dataset",
        "schedule": "drop it: every night loads every dataset",
    },
}
"""What ODCS allows, promises something, and has nobody here who keeps it; and where that is kept instead."""
_NOTHING = (None, False, -1, [], {}, "")
_OPTIONS: Mapping[str, frozenset[str]] = {
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "integer": frozenset({"multipleOf"}),
    "number": frozenset({"multipleOf"}),
    "date": frozenset(),
    "time": frozenset(),
    "timestamp": frozenset({"timezone", "defaultTimezone"}),
    "boolean": frozenset(),
}
"""The options that are kept, besides BOUNDS of what can be compared. Of `format` see repairs.py, for every type."""
BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
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
"""Words of other databases, and the type of ours that is meant."""
_COMPARABLE = frozenset({"integer", "number", "date", "time", "timestamp"})
_RANGES = {"smallint": 1 << 15, "integer": 1 << 31, "bigint": 1 << 63}
ZONE = "Asia/Makassar"


def faults(document: Mapping[str, Any], expected: str) -> Iterator[Found]:
    """Everything in a document of ODCS that is not ours, or that nobody would keep.

    expected: the id that the path says.
    """
    yield from _names(document, expected)
    yield from _custom(document, (), ())
    yield from _unkept((), document, ())
    yield from _servers(document, expected)
    schema: Mapping[str, Any] = (document.get("schema") or [{}])[0]
    yield from _sla(document.get("slaProperties") or [], schema)
    yield from _unkept(("schema", 0), schema, ("schema",))
    properties = cast("list[dict[str, Any]]", schema.get("properties") or [])
    for index, prop in enumerate(properties):
        yield from _property(("schema", 0, "properties", index), prop)
    yield from _key_order(properties)
    yield from _unique(document, properties)


def _names(document: Mapping[str, Any], expected: str) -> Iterator[Found]:
    if document.get("id") != expected:
        yield ("id",), f"id is {document.get('id')!r}", f"the path says {expected}"
    for part in expected.split("/"):
        if not IDENTIFIER.fullmatch(part):
            yield (), f"{part!r} is no name", "lower snake case, at most 40 characters"
    for name in ("name", "domain", "servers", "schema", "team"):
        if not document.get(name):
            yield (), f"{name} is missing", "see docs/contracts.md"
    for name in ("servers", "schema"):
        if len(document.get(name) or []) > 1:
            yield (name, 1), f"only the first of {name} is read", "one contract, one source, one table"
    if document.get("status") not in ("active", "deprecated"):
        message = f"status {document.get('status')!r}: the dataset would be loaded all the same"
        yield (
            ("status",),
            message,
            "active or deprecated; take the file out of contracts/ where it is neither",
        )
    name, wanted = (document.get("schema") or [{}])[0].get("name"), expected.split("/")[1]
    if name != wanted:
        yield ("schema", 0, "name"), f"schema name is {name!r}", f"call it {wanted}"


def _custom(node: object, where: Location, names: tuple[str, ...]) -> Iterator[Found]:
    """Every customProperties below `node`, wherever ODCS lets them stand."""
    if isinstance(node, list):
        for index, item in enumerate(cast("list[object]", node)):
            yield from _custom(item, (*where, index), names)
    if not isinstance(node, dict):
        return
    for key, value in cast("dict[str, object]", node).items():
        if key == "customProperties":
            known = _CUSTOM.get(names, frozenset())
            yield from _known(cast("list[dict[str, Any]]", value or []), (*where, key), known)
        elif key not in ("value", "examples"):
            yield from _custom(value, (*where, key), (*names, key))


def _known(items: list[dict[str, Any]], where: Location, known: frozenset[str]) -> Iterator[Found]:
    seen = Counter[object]()
    for index, item in enumerate(items):
        name = item.get("property")
        seen[name] += 1
        if name not in known:
            hint = f"known: {', '.join(sorted(known))}" if known else "none is known here"
            yield (*where, index), f"unknown custom property {name!r}", hint
        elif seen[name] == 2:
            yield (*where, index), f"custom property {name!r} stands twice", "keep one of them"


def _unkept(where: Location, holder: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[Found]:
    for key, hint in _UNKEPT[names].items():
        if holder.get(key) not in _NOTHING:
            yield (*where, key), f"{key} promises what nothing here keeps", hint


def _servers(document: Mapping[str, Any], expected: str) -> Iterator[Found]:
    server: Mapping[str, Any] = (document.get("servers") or [{}])[0]
    kind = server.get("type")
    if kind not in _LOCATION_KEYS:
        return  # document.py tells of it
    known = _SERVER_KEYS | _LOCATION_KEYS[kind]
    for key in server:
        if key not in known:
            hint = f"known: {', '.join(sorted(known))}; what is read from where is extract and location"
            yield ("servers", 0, key), f"{key} of a server is not read", hint
    if kind == "local" and server.get("path") != expected:
        yield ("servers", 0, "path"), f"path is {server.get('path')!r}", f"uploads stand in {expected}"


def _sla(items: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> Iterator[Found]:
    seen = Counter[object]()
    for index, item in enumerate(items):
        where: Location = ("slaProperties", index)
        name = item.get("property")
        seen[name] += 1
        kept = {"element"} if name == "frequency" else set[str]()
        yield from _unkept(where, {k: v for k, v in item.items() if k not in kept}, ("slaProperties",))
        if name == "frequency" and "element" in item:
            yield from _period(where, item["element"], schema)
        if seen[name] == 2:
            yield where, f"{name} stands twice", "keep one of them"
        if name not in ("frequency", "latency", "retention"):
            continue
        if isinstance(item.get("value"), bool) or not isinstance(item.get("value"), int | float):
            yield (*where, "value"), f"{name} {item.get('value')!r} is no number", "such as value: 1, unit: d"
        if item.get("unit") not in SLA_HOURS:
            known = f"one of {', '.join(SLA_HOURS)}"
            yield (*where, "unit"), f"{name}: unit {item.get('unit')!r} is unknown", known


def _period(where: Location, element: object, schema: Mapping[str, Any]) -> Iterator[Found]:
    """The column that says up to when the data go, named as ODCS does: <schema>.<property>."""
    times = {
        f"{schema.get('name')}.{p.get('name')}"
        for p in cast("list[dict[str, Any]]", schema.get("properties") or [])
        if p.get("logicalType") in PERIOD_TYPES
    }
    if element not in times:
        hint = f"one of {', '.join(sorted(times))}" if times else "drop it: no property can be a period"
        yield (*where, "element"), f"frequency: element {element!r} is no period of this dataset", hint


def _property(where: Location, prop: dict[str, Any]) -> Iterator[Found]:
    name = prop.get("name", "?")
    if not IDENTIFIER.fullmatch(str(name)):
        yield where, f"property {name!r} is no column name", "lower snake case, at most 40 characters"
    if name in SYSTEM_COLUMNS:
        hint = f"rename the property; physicalName: {name} reads a source's column of that name"
        yield where, f"{name}: every table of PostgreSQL has a column of that name by itself", hint
    if not str(prop.get("physicalName", name)).strip():
        hint = "the name of the source's column, or drop it where that is the property's own"
        yield (*where, "physicalName"), f"{name}: physicalName is empty", hint
    if prop.get("classification") not in CLASSIFICATIONS:
        yield where, f"{name}: classification is missing or unknown", f"one of {', '.join(CLASSIFICATIONS)}"
    for key in ("businessName", "description"):
        if not prop.get(key):
            yield where, f"{name}: {key} is missing", "Satu Data asks for konsep and definisi of every column"
    for at, message, hint in _unkept(where, prop, ("schema", "properties")):
        yield at, f"{name}: {message}", hint
    for at, message, hint in (*_type(prop), *_enum(prop), *_relationships(prop)):
        yield (*where, *at), f"{name}: {message}", hint


def _type(prop: Mapping[str, Any]) -> Iterator[Found]:
    physical, logical = str(prop.get("physicalType")), str(prop.get("logicalType"))
    if not PHYSICAL_TYPE.fullmatch(physical):
        message = f"physicalType {prop.get('physicalType')!r} is unknown"
        yield ("physicalType",), message, _type_hint(physical)
    elif physical.split("(")[0] not in LOGICAL_TYPES.get(logical, ()):
        message = f"logicalType {prop.get('logicalType')!r} does not fit {physical}"
        yield ("logicalType",), message, "make them agree"
    else:
        options = cast("dict[str, Any]", prop.get("logicalTypeOptions") or {})
        for option, message, hint in _options(logical, physical.split("(")[0], options):
            yield ("logicalTypeOptions", option), message, hint


def _type_hint(physical: str) -> str:
    """The types that there are, and which of them is meant by another database's word."""
    base, _, rest = physical.lower().partition("(")
    meant = _OTHER_WORDS.get(base.strip())
    if meant == "numeric":
        meant = f"numeric({rest}" if re.fullmatch(r"\d+,\s?\d+\)", rest) else "numeric(p,s)"
    known = "one of " + ", ".join(_KNOWN_TYPES)
    return f"say {meant}; {known}" if meant else known


def _options(logical: str, physical: str, options: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The option, what is wrong with it, the mend."""
    compared = logical in _COMPARABLE
    known = _OPTIONS[logical] | (frozenset(BOUNDS) if compared else frozenset()) | {"format"}
    for name in options:
        if name not in known:
            yield name, f"{name} of a {logical} is not checked here", f"known: {', '.join(sorted(known))}"
    if compared:
        yield from _bounds(physical, options)
    shortest, longest = options.get("minLength"), options.get("maxLength")
    if isinstance(shortest, int) and isinstance(longest, int) and shortest > longest:
        yield "minLength", f"no text has at least {shortest} and at most {longest} characters", "correct one"
    if logical == "string" and isinstance(options.get("pattern"), str):
        try:
            check(options["pattern"])
        except PatternError as error:
            yield "pattern", f"pattern {options['pattern']!r}: {error.message}", error.hint
    zoned = physical == "timestamptz"
    if logical == "timestamp" and options.get("timezone", zoned) != zoned:
        yield "timezone", f"a {physical} {'has' if zoned else 'has no'} time zone", "make them agree"
    if logical == "timestamp" and options.get("defaultTimezone", ZONE) != ZONE:
        yield "defaultTimezone", f"what has no zone is read as {ZONE}", "drop it, or parse: zona_wita"


def _bounds(physical: str, options: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    values: dict[str, Any] = {}
    for name in (n for n in BOUNDS if options.get(n) is not None):
        try:
            values[name] = _bound(physical, str(options[name]))
        except (ValueError, InvalidOperation):
            yield name, f"{name} {options[name]!r} is no {physical}", "write a value of the column's type"
    for both in (BOUNDS[:2], BOUNDS[2:]):
        if values.keys() >= set(both):
            yield both[1], f"{both[0]} and {both[1]} say two things", "keep one of them"
    lowest = [values[n] for n in BOUNDS[:2] if n in values]
    highest = [values[n] for n in BOUNDS[2:] if n in values]
    alone = lowest and highest and "exclusiveMinimum" not in values and "exclusiveMaximum" not in values
    if lowest and highest and (lowest[0] > highest[0] or (lowest[0] == highest[0] and not alone)):
        name = next(n for n in BOUNDS if n in values)
        yield name, "no value is within the bounds", "correct one of them"


def _bound(physical: str, text: str) -> Any:
    """A bound as what can be compared. Raises ValueError or InvalidOperation where PostgreSQL would, or more."""
    match physical:
        case "date" | "time" | "timestamp" | "timestamptz" if "W" in text:
            raise ValueError(text)  # a week's day, which PostgreSQL does not know
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


def _enum(prop: Mapping[str, Any]) -> Iterator[Found]:
    entries = cast("list[dict[str, Any]]", prop.get("enum") or [])
    if entries and prop.get("logicalType") not in ("string", "integer"):
        yield ("enum",), f"an enum of a {prop.get('logicalType')} is not checked here", "a string or integer"
        return
    seen = Counter[str]()
    for index, entry in enumerate(entries):
        value = str(entry.get("value"))
        seen[value] += 1
        if seen[value] == 2:
            yield ("enum", index), f"{value!r} stands twice in the enum", "keep one of them"
        if prop.get("logicalType") == "integer" and not value.removeprefix("-").isdecimal():
            yield ("enum", index), f"{value!r} is no whole number", "correct it"


def _relationships(prop: Mapping[str, Any]) -> Iterator[Found]:
    relationships: list[dict[str, Any]] = prop.get("relationships") or []
    if len(relationships) > 1:
        yield (
            ("relationships", 1),
            "only one reference of a column is checked",
            "what more it must keep is a suite",
        )
    for index, relationship in enumerate(relationships):
        to = relationship.get("to")
        if not isinstance(to, str) or len(to.split(".")) != 2:
            yield ("relationships", index, "to"), f"{to!r} is no column", "<reference table>.<column>"
        for item in relationship.get("customProperties") or []:
            if item.get("property") == "where" and not isinstance(item.get("value"), dict):
                yield (
                    ("relationships", index),
                    "where is no mapping",
                    "{column: value} of the reference table",
                )


def _key_order(properties: Iterable[Mapping[str, Any]]) -> Iterator[Found]:
    """A key's columns stand in the order in which the properties do."""
    last = 0
    for index, prop in enumerate(properties):
        position = prop.get("primaryKeyPosition", -1)
        if position in (-1, None):
            continue
        where: Location = ("schema", 0, "properties", index, "primaryKeyPosition")
        if not prop.get("primaryKey"):
            yield where, f"{prop.get('name')} has a primaryKeyPosition and is in no key", "primaryKey: true"
        elif position <= last:
            message = f"{prop.get('name')}: a key's columns stand in the order of the properties"
            yield where, message, "move the property, or drop primaryKeyPosition"
        last = max(last, position)


def _unique(document: Mapping[str, Any], properties: Sequence[Mapping[str, Any]]) -> Iterator[Found]:
    """Whether a value is unique is seen within one load."""
    custom = custom_properties(document)
    partial = custom.get("write_disposition", "replace") != "replace" or custom.get("partition") is not None
    composite = sum(bool(p.get("primaryKey")) for p in properties) > 1
    for index, prop in enumerate(properties):
        if not prop.get("unique"):
            continue
        where: Location = ("schema", 0, "properties", index, "unique")
        if prop.get("primaryKey") and composite:
            message = f"{prop.get('name')}: only the whole key is unique"
            yield where, message, "drop unique, or make this column the only key"
        elif not prop.get("primaryKey") and (partial or custom_properties(prop).get("drop")):
            message = f"{prop.get('name')}: unique is checked within one load that replaces the whole table"
            yield where, message, "drop it; make the column the primary key, or write a model's test"
