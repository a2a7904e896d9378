"""Contract files to `Contract` objects, with the file and line of every fault.

What belongs here: YAML with line numbers, the ODCS JSON schema, our custom properties. Not here: what a contract
means (contracts.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, cast

import yaml

from pipelines.contracts import (
    CLASSIFICATIONS,
    IDENTIFIER,
    LOGICAL_TYPES,
    PARSERS,
    PHYSICAL_TYPE,
    ApiExtract,
    Column,
    Contract,
    DatabaseExtract,
    Extract,
    FileExtract,
    Partition,
    Reference,
    Server,
    WriteDisposition,
)
from pipelines.errors import ContractError, GudangError

CONTRACT_PROPERTIES = frozenset(
    {
        "extract",
        "write_disposition",
        "cursor",
        "lag",
        "partition",
        "schema_contract",
        "max_quarantine_share",
        "publish",
    }
)
COLUMN_PROPERTIES = frozenset({"missing_values", "parse", "satuan", "ukuran", "pseudonymise", "drop"})
Location = tuple[str | int, ...]
_QUOTED = re.compile(r"'([^']+)'")
_YAML: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend in a file of the project."""

    path: Path
    line: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class _FaultyError(Exception):
    """A fault at a place in the document; becomes a `Fault` with its line."""

    def __init__(self, where: Location, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.where, self.message, self.hint = where, message, hint


def read_contract(path: Path) -> tuple[Contract | None, list[Fault]]:
    """The contract in `path`, or None and everything that is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=_YAML)
        document = yaml.load(text, Loader=_YAML)  # noqa: S506  # both are safe loaders
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        return None, [
            Fault(path, mark.line + 1 if mark else 1, f"no valid YAML: {getattr(error, 'problem', error)}")
        ]
    if root is None or not isinstance(document, dict):
        return None, [Fault(path, 1, "the file is empty", "start from docs/add-a-dataset.md")]
    lines = _line_numbers(root)
    faults = [
        Fault(path, _line(lines, where), message, "see docs/contracts.md")
        for where, message in _schema_faults(document)
    ]
    faults += _vocabulary_faults(path, lines, document)
    if faults:
        return None, sorted(faults, key=lambda f: f.line)
    try:
        return _contract(path, cast("dict[str, Any]", document)), []
    except _FaultyError as fault:
        return None, [Fault(path, _line(lines, fault.where), fault.message, fault.hint)]
    except ContractError as error:
        return None, [Fault(path, 1, error.message, error.hint or "")]


def _line_numbers(root: yaml.Node) -> dict[Location, int]:
    lines: dict[Location, int] = {}

    def walk(node: yaml.Node, where: Location) -> None:
        lines.setdefault(where, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                lines[(*where, key.value)] = key.start_mark.line + 1
                walk(value, (*where, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                walk(value, (*where, index))

    walk(root, ())
    return lines


def _line(lines: Mapping[Location, int], where: Location) -> int:
    while where and where not in lines:
        where = where[:-1]
    return lines.get(where, 1)


@cache
def _validator() -> Any:
    import jsonschema

    schema = json.loads(
        resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8")
    )
    return jsonschema.Draft201909Validator(schema)


def _schema_faults(document: dict[str, Any]) -> list[tuple[Location, str]]:
    """What ODCS itself forbids. Its schema says some things twice; each is told once."""
    plain = json.loads(json.dumps(document, default=str))
    found: list[tuple[Location, str]] = []
    for error in _validator().iter_errors(plain):
        where = tuple(error.absolute_path)
        if error.validator in ("additionalProperties", "unevaluatedProperties"):
            # Which keys are meant is said in the message only: what the schema knows is spread over its parts.
            names = [name for name in _QUOTED.findall(error.message) if name in error.instance]
            found += [((*where, name), f"unknown key {name!r}") for name in names] or [(where, error.message)]
        else:
            found.append((where, error.message))
    return list(dict.fromkeys(found))


def _vocabulary_faults(path: Path, lines: Mapping[Location, int], document: dict[str, Any]) -> list[Fault]:
    """Faults of our own vocabulary, all of them, not just the first."""
    faults: list[Fault] = []

    def fault(where: Location, message: str, hint: str = "") -> None:
        faults.append(Fault(path, _line(lines, where), message, hint))

    expected = f"{path.parent.name}/{path.name.removesuffix('.odcs.yaml')}"
    if document.get("id") != expected:
        fault(("id",), f"id is {document.get('id')!r}", f"the path says {expected}")
    for part in expected.split("/"):
        if not IDENTIFIER.fullmatch(part):
            fault((), f"{part!r} is no name", "lower snake case, at most 40 characters")
    for name in ("name", "domain", "servers", "schema", "team"):
        if not document.get(name):
            fault((), f"{name} is missing", "see docs/contracts.md")
    _custom_faults(document, (), CONTRACT_PROPERTIES, fault)
    schema = document.get("schema") or [{}]
    if schema[0].get("name") != expected.split("/")[1]:
        fault(
            ("schema", 0, "name"),
            f"schema name is {schema[0].get('name')!r}",
            f"call it {expected.split('/')[1]}",
        )
    for index, prop in enumerate(schema[0].get("properties") or []):
        where: Location = ("schema", 0, "properties", index)
        name = prop.get("name", "?")
        if not IDENTIFIER.fullmatch(str(name)):
            fault(where, f"property {name!r} is no column name", "lower snake case, at most 40 characters")
        if prop.get("classification") not in CLASSIFICATIONS:
            fault(
                where, f"{name}: classification is missing or unknown", f"one of {', '.join(CLASSIFICATIONS)}"
            )
        for key in ("businessName", "description"):
            if not prop.get(key):
                fault(
                    where,
                    f"{name}: {key} is missing",
                    "Satu Data asks for konsep and definisi of every column",
                )
        _type_faults(prop, where, fault)
        _custom_faults(prop, where, COLUMN_PROPERTIES, fault)
        if (parser := _custom(prop).get("parse")) is not None and parser not in PARSERS:
            fault(where, f"{name}: parse {parser!r} is unknown", f"one of {', '.join(PARSERS)}")
    return faults


def _type_faults(prop: dict[str, Any], where: Location, fault: Any) -> None:
    name, physical, logical = prop.get("name", "?"), prop.get("physicalType"), prop.get("logicalType")
    if not physical or not PHYSICAL_TYPE.fullmatch(str(physical)):
        fault(
            (*where, "physicalType"),
            f"{name}: physicalType {physical!r} is unknown",
            "a type of docs/contracts.md",
        )
    elif str(physical).split("(")[0] not in LOGICAL_TYPES.get(str(logical), ()):
        fault(
            (*where, "logicalType"),
            f"{name}: logicalType {logical!r} does not fit {physical}",
            "make them agree",
        )


def _custom_faults(holder: dict[str, Any], where: Location, known: frozenset[str], fault: Any) -> None:
    for index, item in enumerate(holder.get("customProperties") or []):
        if item.get("property") not in known:
            place = (*where, "customProperties", index)
            fault(
                place,
                f"unknown custom property {item.get('property')!r}",
                f"known: {', '.join(sorted(known))}",
            )


def _custom(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {item["property"]: item.get("value") for item in holder.get("customProperties") or []}


def _contract(path: Path, document: dict[str, Any]) -> Contract:
    custom = _custom(document)
    server = _server(document["servers"][0])
    description = document.get("description") or {}
    opd, dataset = document["id"].split("/")
    try:
        disposition = WriteDisposition(custom.get("write_disposition", "replace"))
    except ValueError:
        message = f"write_disposition {custom['write_disposition']!r} is unknown"
        raise _FaultyError(
            _custom_place(document, "write_disposition"), message, "replace or merge"
        ) from None
    return Contract(
        opd=opd,
        dataset=dataset,
        title=document["name"],
        domain=document["domain"],
        purpose=description.get("purpose", ""),
        usage=description.get("usage", ""),
        limitations=description.get("limitations", ""),
        producer=document["team"]["name"],
        contact=next((s.get("url") or s.get("channel") or "" for s in document.get("support") or []), ""),
        server=server,
        extract=_extract(document, server, custom),
        columns=_columns(document["schema"][0]["properties"]),
        disposition=disposition,
        path=path,
        cursor=custom.get("cursor"),
        lag=custom.get("lag"),
        partition=_partition(document, custom),
        schema_contract=_one_of(document, custom, "schema_contract", "freeze", ("freeze", "evolve")),
        max_quarantine_share=float(custom.get("max_quarantine_share", 0.2)),
        publish=bool(custom.get("publish", False)),
        sla={
            p["property"]: (str(p["value"]), str(p.get("unit", "")))
            for p in document.get("slaProperties") or []
        },
    )


def _custom_place(document: dict[str, Any], name: str) -> Location:
    items = document.get("customProperties") or []
    index = next((i for i, item in enumerate(items) if item.get("property") == name), 0)
    return ("customProperties", index, "value")


def _one_of(
    document: dict[str, Any], custom: dict[str, Any], name: str, default: str, known: tuple[str, ...]
) -> str:
    value = custom.get(name, default)
    if value not in known:
        raise _FaultyError(_custom_place(document, name), f"{name} {value!r} is unknown", " or ".join(known))
    return value


def _server(server: dict[str, Any]) -> Server:
    kinds = {"local": "upload", "api": "api", "custom": "database"}
    kind = kinds.get(server.get("type", ""))
    if kind is None:
        raise _FaultyError(
            ("servers", 0, "type"), f"server type {server.get('type')!r}", "custom (database), api or local"
        )
    location = server.get("path") if kind == "upload" else server.get("location")
    if not location or not server.get("server"):
        raise _FaultyError(("servers", 0), "server has no name or no location", "see docs/contracts.md")
    return Server(name=server["server"], kind=kind, location=str(location))


def _extract(document: dict[str, Any], server: Server, custom: dict[str, Any]) -> Extract:
    kind = {"database": DatabaseExtract, "api": ApiExtract, "upload": FileExtract}[server.kind]
    values = custom.get("extract")
    where = _custom_place(document, "extract")
    if not isinstance(values, dict):
        raise _FaultyError(where, "extract is missing", f"say what to read from this {server.kind}")
    values = cast("dict[str, Any]", values)
    known = {f.name for f in fields(kind)}
    if unknown := sorted(set(values) - known):
        message = f"extract of a {server.kind} knows no {', '.join(unknown)}"
        raise _FaultyError((*where, unknown[0]), message, f"known: {', '.join(sorted(known))}")
    try:
        return kind(**values)
    except TypeError as error:
        raise _FaultyError(
            where, f"extract: {error}".replace("__init__() ", ""), "see docs/contracts.md"
        ) from None


def _partition(document: dict[str, Any], custom: dict[str, Any]) -> Partition | None:
    values = custom.get("partition")
    if values is None:
        return None
    where = _custom_place(document, "partition")
    try:
        start = (
            values["start"] if isinstance(values["start"], date) else date.fromisoformat(str(values["start"]))
        )
        partition = Partition(column=values["column"], every=values["every"], start=start)
    except (KeyError, TypeError, ValueError) as error:
        raise _FaultyError(
            where, f"partition: {error!r}", "{column: ..., every: daily, start: YYYY-MM-DD}"
        ) from None
    if partition.every != "daily":
        raise _FaultyError(where, f"partition every {partition.every!r} is unknown", "daily")
    return partition


def _columns(properties: list[dict[str, Any]]) -> tuple[Column, ...]:
    columns: list[Column] = []
    for index, prop in enumerate(properties):
        try:
            columns.append(_column(prop))
        except (KeyError, TypeError, ValueError, GudangError) as error:
            raise _FaultyError(("schema", 0, "properties", index), f"{prop.get('name')}: {error}") from None
    return tuple(columns)


def _column(prop: dict[str, Any]) -> Column:
    custom = _custom(prop)
    options = prop.get("logicalTypeOptions") or {}

    def option(name: str) -> str | None:
        return None if options.get(name) is None else str(options[name])

    return Column(
        name=prop["name"],
        source_name=prop.get("physicalName") or prop["name"],
        type=prop["physicalType"],
        logical_type=prop["logicalType"],
        title=prop["businessName"],
        description=prop["description"],
        classification=prop["classification"],
        required=bool(prop.get("required")) or bool(prop.get("primaryKey")),
        unique=bool(prop.get("unique")),
        key=bool(prop.get("primaryKey")),
        enum=tuple((str(e["value"]), str(e.get("label") or e["value"])) for e in prop.get("enum") or []),
        minimum=option("minimum"),
        maximum=option("maximum"),
        exclusive_minimum=option("exclusiveMinimum"),
        exclusive_maximum=option("exclusiveMaximum"),
        min_length=options.get("minLength"),
        max_length=options.get("maxLength"),
        pattern=options.get("pattern"),
        reference=_reference(prop.get("relationships") or []),
        missing_values=tuple(str(v) for v in custom.get("missing_values") or ()),
        parse=custom.get("parse"),
        unit=custom.get("satuan"),
        measure=custom.get("ukuran"),
        synonyms=tuple(s["synonym"] for s in prop.get("synonyms") or []),
        pseudonymise=custom.get("pseudonymise"),
        dropped=bool(custom.get("drop", False)),
    )


def _reference(relationships: list[dict[str, Any]]) -> Reference | None:
    if not relationships:
        return None
    relationship = relationships[0]
    table, column = str(relationship["to"]).split(".")
    custom = _custom(relationship)
    normalise = custom.get("normalise")
    if normalise not in (None, "kunci_nama"):
        raise ValueError(f"normalise {normalise!r} is unknown (kunci_nama)")
    where = tuple(sorted((str(k), str(v)) for k, v in (custom.get("where") or {}).items()))
    return Reference(table=table, column=column, where=where, normalise=normalise)
