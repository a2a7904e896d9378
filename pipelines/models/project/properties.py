"""Reads dbt's YAML files into values that know their line.

What belongs here: the keys of dbt_project.yml and of properties files that we understand, and a ModelError with file
and line for any other. Not here: SQL templates (render.py) and the graph (project.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, cast

import yaml

from pipelines.errors import ModelError
from pipelines.models.project.nodes import Exposure, ModelColumn, SourceTable
from pipelines.quality.results import Severity
from pipelines.suggest import did_you_mean
from pipelines.warehouse.relation import Relation

CONFIG_KEYS = frozenset(
    {
        "materialized", "schema", "tags", "meta", "enabled", "column_types", "quote_columns", "indexes", "grants",
        "unique_key", "incremental_strategy", "on_schema_change", "full_refresh",
    }
)  # fmt: skip
MATERIALIZATIONS = ("view", "table", "incremental")
_FILE_KEYS = frozenset({"version", "models", "seeds", "sources", "data_tests", "macros", "exposures"})
_NODE_KEYS = frozenset({"name", "description", "config", "columns", "tests", "data_tests"})
_COLUMN_KEYS = frozenset({"name", "description", "data_type", "config", "tests", "data_tests"})
_TEST_KEYS = frozenset({"arguments", "config", "name", "description"})
_EXPOSURE_KEYS = frozenset(
    {"name", "label", "type", "maturity", "url", "description", "owner", "depends_on", "config"}
)
_REF = re.compile(r"""\s*ref\(\s*(['"])(\w+)\1\s*\)\s*""")


class Block(dict[str, Any]):
    """A YAML mapping and the line on which it starts."""

    line: int = 0


_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):
    pass


def _block(loader: Any, node: yaml.MappingNode) -> Block:
    block = Block(cast(dict[str, Any], loader.construct_mapping(node, deep=True)))
    block.line = node.start_mark.line + 1
    return block


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _block)


@dataclass(frozen=True, slots=True)
class TestDeclaration:
    """A test as it is written on a column or a node; `place` is its file and line."""

    __test__ = False

    place: str
    test: str
    name: str
    arguments: Mapping[str, Any]
    severity: Severity
    where: str | None = None
    column: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class NodeProperties:
    """What a properties file says of one seed, model or singular test."""

    place: str
    name: str
    description: str = ""
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    columns: tuple[ModelColumn, ...] = ()
    tests: tuple[TestDeclaration, ...] = ()


@dataclass(frozen=True, slots=True)
class Properties:
    """All properties files of a project."""

    models: Mapping[str, NodeProperties]
    seeds: Mapping[str, NodeProperties]
    singular_tests: Mapping[str, NodeProperties]
    sources: Mapping[tuple[str, str], SourceTable]
    exposures: Mapping[str, Exposure]


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """dbt_project.yml."""

    name: str
    variables: Mapping[str, Any]
    models: Mapping[str, Any]
    seeds: Mapping[str, Any]

    def folder_config(self, section: str, path: PurePosixPath) -> dict[str, Any]:
        """The `+settings` for `path` (below models/ or seeds/); those of the nearest folder win."""
        tree: Any = self.models if section == "models" else self.seeds
        merged: dict[str, Any] = {}
        for part in (None, self.name, *path.parts[:-1], path.stem):
            tree = tree if part is None else tree.get(part)
            if not isinstance(tree, Mapping):
                break
            level = cast(Mapping[str, Any], tree)
            merged = merge_config(
                merged, {k[1:]: v for k, v in level.items() if k.startswith("+")}, "dbt_project.yml"
            )
        return merged


def read_yaml(root: Path, path: Path) -> Block:
    """The file as a Block. Raises ModelError with the line of a syntax error."""
    shown = path.relative_to(root).as_posix()
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ModelError(f"{shown}:{line}", f'bukan YAML; menurut pembaca YAML: "{error.problem}"') from error
    if not isinstance(content, Block):
        raise ModelError(f"{shown}:1", "harus berupa pasangan kunci dan nilai")
    return content


def read_project_file(root: Path) -> ProjectFile:
    """Reads dbt_project.yml in `root`. Raises ModelError if it is missing or has no name."""
    path = root / "dbt_project.yml"
    if not path.is_file():
        raise ModelError(path.name, f"tidak ada di {root.name}/", hint="periksa apakah itu folder model SQL")
    content = read_yaml(root, path)
    if not isinstance(content.get("name"), str):
        raise ModelError("dbt_project.yml:1", "tidak punya name")
    return ProjectFile(
        name=content["name"],
        variables=content.get("vars") or {},
        models=content.get("models") or {},
        seeds=content.get("seeds") or {},
    )


def merge_config(base: Mapping[str, Any], over: Mapping[str, Any], place: str) -> dict[str, Any]:
    """`over` on top of `base` as dbt does it: tags are added, meta is merged, all else is replaced."""
    unknown = sorted(set(over) - CONFIG_KEYS)
    if unknown:
        raise ModelError(place, f"config {unknown[0]!r} tidak dikenal", hint=_hint(unknown[0], CONFIG_KEYS))
    merged = {**base, **over}
    tags = [*_tags(base.get("tags")), *_tags(over.get("tags"))]
    if tags:
        merged["tags"] = list(dict.fromkeys(tags))
    if base.get("meta") and over.get("meta"):
        merged["meta"] = {**base["meta"], **over["meta"]}
    return merged


def read_properties(root: Path, files: Iterable[Path]) -> Properties:
    """Reads the properties `files`. Raises ModelError for an unknown key, and for a name that is described twice."""
    models: dict[str, NodeProperties] = {}
    seeds: dict[str, NodeProperties] = {}
    singular: dict[str, NodeProperties] = {}
    sources: dict[tuple[str, str], SourceTable] = {}
    exposures: dict[str, Exposure] = {}
    for path in sorted(files):
        shown = path.relative_to(root).as_posix()
        content = read_yaml(root, path)
        _refuse_unknown_keys(content, _FILE_KEYS, shown)
        for section, target in (("models", models), ("seeds", seeds), ("data_tests", singular)):
            for entry in _entries(content, section, shown):
                described = _node(entry, shown)
                if described.name in target:
                    first = target[described.name].place
                    raise ModelError(
                        described.place,
                        f"{described.name} dijelaskan dua kali",
                        hint=f"yang pertama di {first}",
                    )
                target[described.name] = described
        for entry in _entries(content, "sources", shown):
            sources.update(_source_tables(entry, shown))
        for entry in _entries(content, "exposures", shown):
            exposure = _exposure(entry, shown)
            if exposure.name in exposures:
                raise ModelError(f"{shown}:{entry.line}", f"exposure {exposure.name} dijelaskan dua kali")
            exposures[exposure.name] = exposure
    return Properties(models, seeds, singular, sources, exposures)


def _exposure(entry: Block, shown: str) -> Exposure:
    _refuse_unknown_keys(entry, _EXPOSURE_KEYS, shown)
    read: list[str] = []
    for reference in entry.get("depends_on") or ():
        match = _REF.fullmatch(str(reference))
        if match is None:
            raise ModelError(
                f"{shown}:{entry.line}", f"{reference!r} bukan ref()", hint="tulis ref('nama_model')"
            )
        read.append(match[2])
    name, owner = _name(entry, shown), cast(Mapping[str, Any], entry.get("owner") or {})
    config = cast(Mapping[str, Any], entry.get("config") or {})
    return Exposure(
        name=name,
        title=_one_line(entry.get("label")) or name,
        type=_one_line(entry.get("type")),
        depends_on=tuple(read),
        description=_one_line(entry.get("description")),
        owner=_one_line(owner.get("name")),
        url=_one_line(entry.get("url")),
        meta=cast(Mapping[str, Any], config.get("meta") or {}),
    )


def _node(entry: Block, shown: str) -> NodeProperties:
    _refuse_unknown_keys(entry, _NODE_KEYS, shown)
    columns: list[ModelColumn] = []
    tests = list(_tests(entry, shown, column=None))
    for column in _entries(entry, "columns", shown):
        _refuse_unknown_keys(column, _COLUMN_KEYS, shown)
        name = _name(column, shown)
        columns.append(ModelColumn(name, _one_line(column.get("description")), column.get("data_type")))
        tests += _tests(column, shown, column=name)
    return NodeProperties(
        place=f"{shown}:{entry.line}",
        name=_name(entry, shown),
        description=_one_line(entry.get("description")),
        config=cast(Mapping[str, Any], entry.get("config") or {}),
        columns=tuple(columns),
        tests=tuple(tests),
    )


def _tests(owner: Block, shown: str, column: str | None) -> Iterator[TestDeclaration]:
    for declared in (*(owner.get("tests") or ()), *(owner.get("data_tests") or ())):
        place = f"{shown}:{getattr(declared, 'line', owner.line)}"
        if isinstance(declared, str):
            yield TestDeclaration(place, declared, _test_name(declared, column), {}, "error", column=column)
        elif isinstance(declared, Block) and len(declared) == 1:
            ((test, body),) = declared.items()
            yield _test(place, test, cast(Mapping[str, Any], body or {}), column)
        else:
            raise ModelError(place, "uji data adalah sebuah nama, atau satu nama dengan argumen di bawahnya")


def _test(place: str, test: str, body: Mapping[str, Any], column: str | None) -> TestDeclaration:
    config = cast(Mapping[str, Any], body.get("config") or {})
    unknown = sorted(set(config) - {"severity", "where"})
    if unknown:
        raise ModelError(
            place, f"config uji {unknown[0]!r} tidak dikenal", hint=_hint(unknown[0], ("severity", "where"))
        )
    severity = str(config.get("severity", "error")).lower()
    if severity not in ("error", "warn"):
        raise ModelError(
            place, f"severity {severity!r} tidak dikenal", hint=_hint(severity, ("error", "warn"))
        )
    return TestDeclaration(
        place=place,
        test=test,
        name=str(body.get("name") or _test_name(test, column)),
        # In dbt's older spelling the arguments are keys next to `config`.
        arguments={**{k: v for k, v in body.items() if k not in _TEST_KEYS}, **(body.get("arguments") or {})},
        severity=severity,
        where=config.get("where"),
        column=column,
        description=_one_line(body.get("description")),
    )


def _test_name(test: str, column: str | None) -> str:
    return test if column is None else f"{test}_{column}"


def _source_tables(entry: Block, shown: str) -> Iterator[tuple[tuple[str, str], SourceTable]]:
    source = _name(entry, shown)
    schema = str(entry.get("schema") or source)
    for table in _entries(entry, "tables", shown):
        name = _name(table, shown)
        rows = _classification(table)
        columns = tuple(
            ModelColumn(
                _name(column, shown),
                _one_line(column.get("description")),
                column.get("data_type"),
                _classification(column) or rows,
            )
            for column in _entries(table, "columns", shown)
        )
        relation = Relation(schema, str(table.get("identifier") or name))
        yield (
            (source, name),
            SourceTable(source, name, relation, _one_line(table.get("description")), columns, rows),
        )


def _classification(entry: Block) -> str:
    config = cast(Mapping[str, Any], entry.get("config") or {})
    return str(cast(Mapping[str, Any], config.get("meta") or {}).get("klasifikasi") or "")


def _entries(owner: Block, key: str, shown: str) -> Iterator[Block]:
    for entry in owner.get(key) or ():
        if not isinstance(entry, Block):
            raise ModelError(f"{shown}:{owner.line}", f"setiap isi {key} harus punya name")
        yield entry


def _refuse_unknown_keys(block: Block, keys: frozenset[str], shown: str) -> None:
    """Raises ModelError if the block has a key that is not in `keys`."""
    unknown = sorted(set(block) - keys)
    if unknown:
        raise ModelError(
            f"{shown}:{block.line}",
            f"{unknown[0]!r} tidak dikenal di sini",
            hint=_hint(unknown[0], keys),
        )


def _hint(name: str, known: Iterable[str]) -> str:
    """The nearest known name, else all of them."""
    return did_you_mean(name, known) or f"yang dikenal: {', '.join(sorted(known))}"


def _name(block: Block, shown: str) -> str:
    name = block.get("name")
    if not isinstance(name, str) or not name:
        raise ModelError(f"{shown}:{block.line}", "tidak punya name")
    return name


def _tags(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _one_line(text: Any) -> str:
    return " ".join(str(text or "").split())
