"""Reads the files of contracts/ into `Contract` values, with the file and line of every fault.

What belongs here: YAML with line numbers, the order of the checks. Not here: ODCS's own JSON schema (odcs.py),
which of ODCS's words a contract may use (vocabulary.py), what the document's parts become (document.py), what a
contract means (model.py).
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from pipelines.contracts import odcs, repairs, soft_rules, vocabulary
from pipelines.contracts.document import make_contract
from pipelines.contracts.model import Contract
from pipelines.contracts.odcs import FaultyError, Location
from pipelines.errors import ContractError, with_code

_YAML: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to fix in a file of the project. code: its entry in the catalogue of findings."""

    path: Path
    line: int
    message: str
    hint: str = ""
    code: str | None = field(kw_only=True)

    def __str__(self) -> str:
        text = f"{self.path}:{self.line}: {self.message}" + (f" ({self.hint})" if self.hint else "")
        return with_code(text, self.code)


def contract_paths(folder: Path) -> list[Path]:
    """Returns the files of all contracts below `folder`, in order."""
    return sorted(folder.glob("*/*.odcs.yaml"))


def contract_keys(folder: Path) -> list[str]:
    """Returns the datasets that have a contract below `folder`, with or without faults."""
    return [f"{p.parent.name}/{p.name.removesuffix('.odcs.yaml')}" for p in contract_paths(folder)]


def readable_contracts(folder: Path) -> tuple[Contract, ...]:
    """Returns the contracts below `folder` that have no fault."""
    return tuple(c for c, _ in map(read_contract, contract_paths(folder)) if c)


def read_contract(path: Path) -> tuple[Contract | None, list[Fault]]:
    """Reads a contract file. Returns the contract and no fault, or None and all faults of the file.

    It never raises. An error that none of the checks foresees is a fault of this file, so that the other contracts are
    loaded all the same.
    """
    try:
        return _read(path)
    except Exception as error:  # whatever a file can cause
        return None, [_unforeseen(path, error)]


def _unforeseen(path: Path, error: Exception) -> Fault:
    """The fault for an error that is ours. It says the error's class and place, but no value of the contract."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "pipelines" in Path(frame.filename).parts]
    frame = (ours or frames)[-1]
    place = "/".join(Path(frame.filename).parts[-2:])
    message = f"kontrak tidak dapat diperiksa: {type(error).__name__} di {place}:{frame.lineno}"
    hint = "ini kesalahan program; laporkan kepada pengembang gudang data bersama berkas kontraknya"
    return Fault(path, 1, message, hint, code="GDK-K031")


def _read(path: Path) -> tuple[Contract | None, list[Fault]]:
    """Reads the contract in `path`, as `read_contract` does. May raise an error that no check foresees."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        message, hint = f"berkas tidak dapat dibaca: {error.strerror}", "periksa letak dan izin berkas itu"
        return None, [Fault(path, 1, message, hint, code="GDK-K002")]
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return None, [Fault(path, line, "bukan UTF-8", "simpan berkas itu sebagai UTF-8", code="GDK-K002")]
    try:
        root, document = _read_yaml(text)
        lines = _line_numbers(root) if root else {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        message = f"bukan YAML yang sah: {getattr(error, 'problem', error)}"
        return None, [Fault(path, mark.line + 1 if mark else 1, message, code="GDK-K002")]
    except RecursionError:
        message, hint = "dokumen bersarang terlalu dalam", "lihat docs/contracts/index.md"
        return None, [Fault(path, 1, message, hint, code="GDK-K002")]
    if root is None or not isinstance(document, dict):
        return None, [Fault(path, 1, "berkas kosong", "mulai dari docs/add-a-dataset.md", code="GDK-K002")]
    document = cast("dict[str, Any]", document)
    wrong = odcs.faults(document)
    faults = [
        Fault(path, _line(lines, where), message, hint, code="GDK-K003") for where, message, hint in wrong
    ]
    expected = f"{path.parent.name}/{path.name.removesuffix('.odcs.yaml')}"
    try:
        own = list(vocabulary.faults(document, expected))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        if not faults:
            raise
        own = []  # parts of the document do not have ODCS's form, which `wrong` says
    places = {where for where, *_ in wrong}
    faults += [
        Fault(path, _line(lines, where), *texts, code=code)
        for code, (where, *texts) in own
        if where not in places
    ]
    if faults:
        return None, sorted(faults, key=lambda f: f.line)
    try:
        contract = make_contract(path, document)
    except FaultyError as fault:
        return None, [Fault(path, _line(lines, fault.where), fault.message, fault.hint, code=fault.code)]
    except ContractError as error:
        where = _place(document, error.at)
        return None, [Fault(path, _line(lines, where), error.message, error.hint or "", code=error.code)]
    faults = [
        Fault(
            path,
            _line(lines, ("schema", 0, "properties", index)),
            f"{column.name}: {message}",
            hint,
            code=code,
        )
        for index, column in enumerate(contract.columns)
        for code, found in (("GDK-K014", repairs.faults(column)), ("GDK-K015", soft_rules.faults(column)))
        for message, hint in found
    ]
    indices = {column.name: index for index, column in enumerate(contract.columns)}
    faults += [
        Fault(
            path,
            _line(lines, ("schema", 0, "properties", indices[column.name])),
            message,
            hint,
            code="GDK-K017",
        )
        for column, message, hint in repairs.cursor_faults(contract)
    ]
    return (None if faults else contract), faults


class _Loader(_YAML):
    """Reads YAML. A text that only looks like a date or number (2024-02-30) is an error at its line."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except ValueError:
            message = "ada nilai yang berbentuk tanggal atau angka, tetapi bukan; tulis dalam tanda kutip"
            raise yaml.constructor.ConstructorError(None, None, message, node.start_mark) from None


def _read_yaml(text: str) -> tuple[yaml.Node | None, Any]:
    """Parses `text` once. Returns its YAML nodes, each of which knows its line, and the value that it stands for.

    Raises yaml.YAMLError, or RecursionError if it is nested too deep.
    """
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        return root, None if root is None else loader.construct_document(root)
    finally:
        loader.dispose()


def _place(document: Mapping[str, Any], name: str | None) -> Location:
    """Returns the place of the contract's custom property of this name, or else of its last column of this name."""
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
