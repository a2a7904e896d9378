"""Checks a document against the Open Data Contract Standard: its places, custom properties, and JSON schema.

What belongs here: what every reader of an ODCS document shares, and the schema's findings as places, messages and hints
in Indonesian. Not here: which of ODCS's words are kept here (vocabulary.py), YAML and lines (files.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache, reduce
from importlib import resources
from operator import getitem
from typing import Any, cast

from pipelines.suggest import did_you_mean

Location = tuple[str | int, ...]
"""The keys and indices on the way from the document's root to a place in it."""
Found = tuple[Location, str, str]
"""Where a fault is, what is wrong, and how to fix it."""
_QUOTED = re.compile(r"'([^']+)'")
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


class FaultyError(Exception):
    """A fault at a place in the document."""

    def __init__(self, where: Location, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.where, self.message, self.hint = where, message, hint


def custom_properties(holder: Mapping[str, Any]) -> dict[str, Any]:
    """Returns our own properties of a part of the document, by name."""
    return {item["property"]: item.get("value") for item in holder.get("customProperties") or []}


def faults(document: Mapping[str, Any]) -> list[Found]:
    """Gives the faults that ODCS's schema finds in a document. The schema finds some twice; each is given once."""
    plain = json.loads(json.dumps(document, default=str))
    return list(dict.fromkeys(found for error in _validator().iter_errors(plain) for found in _found(error)))


@cache
def _schema() -> dict[str, Any]:
    text = resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8")
    return json.loads(text)


@cache
def _validator() -> Any:
    import jsonschema

    return jsonschema.Draft201909Validator(_schema())


def _found(error: Any) -> Iterator[Found]:
    """Turns one error of the schema into our faults."""
    where, value, rule = tuple(error.absolute_path), error.instance, error.validator_value
    match error.validator:
        case "additionalProperties" | "unevaluatedProperties":
            # Only the error's text says which keys are meant: the keys that the schema knows are spread over its parts.
            names = [name for name in _QUOTED.findall(error.message) if name in value]
            known = _keys(error.schema)
            for name in names:
                yield (*where, name), f"kunci {name!r} tidak dikenal", did_you_mean(name, known) or _PAGE
            if not names:
                yield where, "ada kunci yang tidak dikenal", _PAGE
        case "required":
            for name in rule:
                if name not in value:
                    yield where, f"{name} tidak ada", _PAGE
        case "type" if rule == "string" and not _is_nested(value):
            yield where, *_unquoted(value)
        case "type":
            kinds = " atau ".join(_TYPES[kind] for kind in ([rule] if isinstance(rule, str) else rule))
            yield where, f"{_short(value)} bukan {kinds}", _PAGE
        case "enum":
            yield where, f"{_short(value)} tidak dikenal", did_you_mean(str(value), map(str, rule)) or _PAGE
        case "const":
            yield where, f"{_short(value)} tidak dikenal", f"seharusnya {rule}"
        case "minItems" | "maxItems":
            yield where, f"jumlah butir {len(value)} di luar batas {rule}", _PAGE
        case "uniqueItems":
            yield where, "ada butir ganda", "sisakan satu"
        case _:
            yield where, f"{_short(value)} tidak sesuai ODCS", _PAGE


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
