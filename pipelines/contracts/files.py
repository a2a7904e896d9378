"""Contract files to `Contract` objects, with the file and line of every fault.

What belongs here: YAML with line numbers, the ODCS JSON schema. Not here: which of ODCS's words are ours
(vocabulary.py), what the document's parts become (document.py), what a contract means (model.py).
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

from pipelines.contracts import cursor, repairs, vocabulary
from pipelines.contracts.document import make_contract
from pipelines.contracts.model import Contract
from pipelines.contracts.odcs import FaultyError, Location
from pipelines.errors import ContractError

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


def load_contracts(folder: Path) -> tuple[Contract, ...]:
    """All contracts below `folder`, by key. Raises ContractError for the first faulty one."""
    found: list[Contract] = []
    for path in contract_paths(folder):
        contract, faults = read_contract(path)
        if contract is None:
            raise ContractError(str(path), f"line {faults[0].line}: {faults[0].message}", hint=faults[0].hint)
        found.append(contract)
    return tuple(found)


def contract_paths(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.odcs.yaml"))


def contract_keys(folder: Path) -> list[str]:
    """The datasets that have a contract below `folder`, whether or not it has faults."""
    return [f"{p.parent.name}/{p.name.removesuffix('.odcs.yaml')}" for p in contract_paths(folder)]


def readable_contracts(folder: Path) -> tuple[Contract, ...]:
    """The contracts below `folder` that have no fault."""
    return tuple(c for c, _ in map(read_contract, contract_paths(folder)) if c)


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
    wrong = _schema_faults(document)
    faults = [Fault(path, _line(lines, where), message, "see docs/contracts.md") for where, message in wrong]
    expected = f"{path.parent.name}/{path.name.removesuffix('.odcs.yaml')}"
    try:
        own = list(vocabulary.faults(cast("dict[str, Any]", document), expected))
    except (AttributeError, IndexError, KeyError, TypeError):
        if not faults:
            raise
        own = []  # parts of the document are not even of ODCS's form, and that is told of
    told = {where for where, _ in wrong}
    faults += [Fault(path, _line(lines, where), *words) for where, *words in own if where not in told]
    if faults:
        return None, sorted(faults, key=lambda f: f.line)
    try:
        contract = make_contract(path, cast("dict[str, Any]", document))
    except FaultyError as fault:
        return None, [Fault(path, _line(lines, fault.where), fault.message, fault.hint)]
    except ContractError as error:
        where = _place(cast("dict[str, Any]", document), error.at)
        return None, [Fault(path, _line(lines, where), error.message, error.hint or "")]
    faults = [Fault(path, _line(lines, ("id",)), *words) for words in contract.name_faults()]
    faults += [
        Fault(path, _line(lines, ("schema", 0, "properties", index)), f"{column.name}: {message}", hint)
        for index, column in enumerate(contract.columns)
        for message, hint in repairs.faults(column)
    ]
    places = {column.name: index for index, column in enumerate(contract.columns)}
    faults += [
        Fault(path, _line(lines, ("schema", 0, "properties", places[column.name])), message, hint)
        for column, message, hint in cursor.faults(contract)
    ]
    return (None if faults else contract), faults


def _place(document: Mapping[str, Any], name: str | None) -> Location:
    """Where a custom property of the contract, or else the last property of this name, stands."""
    for index, custom in enumerate(document.get("customProperties") or []):
        if name is not None and custom.get("property") == name:
            return ("customProperties", index)
    properties: list[dict[str, Any]] = document["schema"][0]["properties"]
    found = [index for index, prop in enumerate(properties) if name is not None and prop.get("name") == name]
    return ("schema", 0, "properties", found[-1]) if found else ()


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
        elif (
            error.validator == "type" and error.validator_value == "string" and not _is_nested(error.instance)
        ):
            found.append((where, _unquoted(error.instance)))
        else:
            found.append((where, error.message))
    return list(dict.fromkeys(found))


def _is_nested(value: object) -> bool:
    return value is None or isinstance(value, dict | list)


def _unquoted(value: object) -> str:
    """What is said of a number or yes/no where a text must stand: YAML reads a bare one as what it looks like."""
    if isinstance(value, bool):
        return (
            f"YAML reads this as {str(value).lower()}, and a text is needed: in quotes, such as 'ya' or 'no'"
        )
    return f"{value} is a number, and a text is needed: write it in quotes, '{value}'"
