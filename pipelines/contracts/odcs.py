"""Checks a document against the Open Data Contract Standard: its places, custom properties, and JSON schema.

What belongs here: what every reader of an ODCS document shares, and the schema's findings as places, messages and hints
in Indonesian. Not here: which of ODCS's words are kept here (vocabulary.py), YAML and lines (files.py).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, reduce
from importlib import resources
from operator import getitem
from typing import Any, cast

import jsonschema_rs
from jsonschema_rs import ValidationError
from jsonschema_rs import ValidationErrorKind as Kind

from pipelines.suggest import did_you_mean

Location = tuple[str | int, ...]
"""The keys and indices on the way from the document's root to a place in it."""
Found = tuple[Location, str, str]
"""Where a fault is, what is wrong, and how to fix it."""
BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
"""The options of a property that bound its values."""
_PAGE = "lihat docs/contracts/index.md"
_TYPES = {
    "string": "teks",
    "number": "angka",
    "integer": "bilangan bulat",
    "boolean": "true atau false",
    "array": "daftar",
    "object": "pemetaan",
    "null": "kosong",
}

_DATES = frozenset({"value", "examples", "contractCreatedTs"}) | frozenset(BOUNDS)
"""Keys below which a date may stand without quotes. value_types/own.py judges those of our own properties."""
_DEEPEST = 200


class FaultyError(Exception):
    """A fault at a place in the document. code: its entry in the catalogue of findings."""

    def __init__(self, where: Location, message: str, hint: str = "", *, code: str) -> None:
        super().__init__(message)
        self.where, self.message, self.hint, self.code = where, message, hint, code


def custom_properties(holder: Mapping[str, Any]) -> dict[str, Any]:
    """Returns our own properties of a part of the document, by name."""
    return {item["property"]: item.get("value") for item in holder.get("customProperties") or []}


def custom_properties_below(
    node: object, where: Location = (), keys: tuple[str, ...] = (), column: str = ""
) -> Iterator[tuple[Location, tuple[str, ...], str, list[dict[str, Any]]]]:
    """Gives every customProperties below `node`: its place, the keys on the way to it, its column's name, its items.

    The name is empty outside of columns. Values and examples, which may hold anything, are left out.
    """
    if isinstance(node, list):
        for index, item in enumerate(cast("list[object]", node)):
            yield from custom_properties_below(item, (*where, index), keys, column)
    if not isinstance(node, dict):
        return
    holder = cast("dict[str, Any]", node)
    if keys == ("schema", "properties"):
        column = str(holder.get("name", "?"))
    for key, value in holder.items():
        if key == "customProperties":
            yield (*where, key), keys, column, value or []
        elif key not in ("value", "examples"):
            yield from custom_properties_below(value, (*where, key), (*keys, key), column)


def faults(document: Mapping[str, Any]) -> list[Found]:
    """Gives the faults that ODCS's schema finds in a document. The schema finds some twice; each is given once."""
    if foreign := list(_no_json(document, (), frozenset())):
        return foreign
    try:
        errors = list(_validator().iter_errors(_as_json(document)))
    except ValueError:  # the validator goes 255 levels down
        return [((), "dokumen bersarang terlalu dalam", _PAGE)]
    return list(dict.fromkeys(found for error in errors for found in _found(error, errors)))


def _no_json(node: object, where: Location, above: frozenset[int]) -> Iterator[Found]:
    """Gives the parts that YAML can write and JSON cannot: keys that are no text, dates, bytes, sets, circles.

    A date may stand where a reader asks for one (`_DATES`). above: the identities of the parts around `node`.
    """
    if id(node) in above or len(above) > _DEEPEST:
        yield (), "dokumen bersarang terlalu dalam", _PAGE
    elif isinstance(node, dict):
        for key, value in cast("dict[object, object]", node).items():
            if isinstance(key, str):
                yield from _no_json(value, (*where, key), above | {id(node)})
            else:
                yield where, f"kunci {key!r} bukan teks", f"tulis dalam tanda kutip: '{key}'"
    elif isinstance(node, list):
        for index, item in enumerate(cast("list[object]", node)):
            yield from _no_json(item, (*where, index), above | {id(node)})
    elif isinstance(node, date):
        if not _DATES.intersection(where):
            message = "YAML membaca ini sebagai tanggal, padahal harus teks"
            yield where, message, f"tulis dalam tanda kutip: '{node}'"
    elif not (node is None or isinstance(node, str | int | float)):
        yield (
            where,
            "jenis nilai ini tidak dipakai di kontrak",
            "tulis sebagai teks, angka, daftar, atau pemetaan",
        )


def _as_json(document: Mapping[str, Any]) -> Any:
    """Returns the document as JSON has it: dates are texts, and what is not finite is a large number."""
    # The schema asks only whether a number is a number. Which bounds are allowed, value_types/options.py says.
    return json.loads(json.dumps(document, default=str), parse_constant=lambda _: sys.float_info.max)


@cache
def _schema() -> dict[str, Any]:
    text = resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8")
    return json.loads(text)


@cache
def _validator() -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft201909Validator(_schema())


def _found(error: ValidationError, errors: Sequence[ValidationError]) -> Iterator[Found]:
    """Turns one of the schema's errors into our faults."""
    where, value = tuple(error.instance_path), cast("Any", error.instance)
    match error.kind:
        case Kind.AdditionalProperties(names) | Kind.UnevaluatedProperties(names):
            known = _keys(reduce(getitem, error.schema_path[:-1], cast("Any", _schema())))
            if _has_cause(where, errors):
                # Because of that fault the validator calls all keys of the part unknown, also those that it knows.
                names = [name for name in names if name not in known]
            for name in names:
                yield (*where, name), f"kunci {name!r} tidak dikenal", did_you_mean(name, known) or _PAGE
        case Kind.Required(name):
            yield where, f"{name} tidak ada", _PAGE
        case Kind.Type(["string"]) if not _is_nested(value):
            yield where, *_unquoted(value)
        case Kind.Type(types):
            yield where, f"{_short(value)} bukan {' atau '.join(_TYPES[kind] for kind in types)}", _PAGE
        case Kind.Enum(options):
            yield (
                where,
                f"{_short(value)} tidak dikenal",
                did_you_mean(str(value), map(str, options)) or _PAGE,
            )
        case Kind.Constant(expected):
            yield where, f"{_short(value)} tidak dikenal", f"seharusnya {expected}"
        case Kind.MinItems(limit) | Kind.MaxItems(limit):
            yield where, f"jumlah butir {len(value)} di luar batas {limit}", _PAGE
        case Kind.UniqueItems():
            yield where, "ada butir ganda", "sisakan satu"
        case _:
            yield where, f"{_short(value)} tidak sesuai ODCS", _PAGE


def _has_cause(where: Location, errors: Iterable[ValidationError]) -> bool:
    """Whether the part at `where` has a fault other than an unknown key, or any fault below it."""
    return any(
        tuple(error.instance_path[: len(where)]) == where
        and (
            len(error.instance_path) > len(where)
            or not isinstance(error.kind, Kind.AdditionalProperties | Kind.UnevaluatedProperties)
        )
        for error in errors
    )


def _keys(schema: Mapping[str, Any]) -> set[str]:
    """Returns the keys that an object of this schema may have, from all parts of the schema."""
    keys = set(cast("dict[str, Any]", schema.get("properties") or {}))
    if reference := schema.get("$ref"):
        keys |= _keys(reduce(getitem, reference.removeprefix("#/").split("/"), _schema()))
    parts = [schema[word] for word in ("then", "else") if word in schema]
    parts += [part for word in ("allOf", "anyOf", "oneOf") for part in schema.get(word) or ()]
    return keys.union(*map(_keys, parts))


def _is_nested(value: object) -> bool:
    return value is None or isinstance(value, dict | list)


def _short(value: object) -> str:
    """Returns the value in the form in which a message shows it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _unquoted(value: object) -> tuple[str, str]:
    """Returns message and hint for a number or yes/no that must be a text: YAML needs quotes around such a text."""
    if isinstance(value, bool):
        return (
            f"YAML membaca ini sebagai {str(value).lower()}, padahal harus teks",
            "tulis dalam tanda kutip, misalnya 'ya'",
        )
    return f"{value} adalah angka, padahal harus teks", f"tulis dalam tanda kutip: '{value}'"
