"""Contract files to `Contract` objects, with the file and line of every fault.

What belongs here: YAML with line numbers, the ODCS JSON schema, our custom properties. Not here: what the
document's parts become (contract_document.py), what a contract means (contracts.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, cast

import yaml

from pipelines import repairs
from pipelines.contract_document import FaultyError, Location, make_contract
from pipelines.contracts import CLASSIFICATIONS, IDENTIFIER, LOGICAL_TYPES, PHYSICAL_TYPE, Contract
from pipelines.errors import ContractError

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
        "publish",
    }
)
COLUMN_PROPERTIES = frozenset(
    {"missing_values", "parse", "satuan", "ukuran", "pseudonymise", "retain_original", "drop"}
)
SERVER_PROPERTIES = frozenset({"rows_per_second", "load_hours", "statement_timeout"})
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
        contract = make_contract(path, cast("dict[str, Any]", document))
    except FaultyError as fault:
        return None, [Fault(path, _line(lines, fault.where), fault.message, fault.hint)]
    except ContractError as error:
        return None, [Fault(path, 1, error.message, error.hint or "")]
    faults = [
        Fault(path, _line(lines, ("schema", 0, "properties", index)), f"{column.name}: {message}", hint)
        for index, column in enumerate(contract.columns)
        for message, hint in repairs.faults(column)
    ]
    return (None if faults else contract), faults


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
    _custom_faults((document.get("servers") or [{}])[0], ("servers", 0), SERVER_PROPERTIES, fault)
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
