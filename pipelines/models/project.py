"""Reads a dbt project folder into a `Project`.

What belongs here: which files make which node, what refers to what, and in which order all can be built.
Not here: the YAML vocabulary (properties.py), Jinja (render.py), and databases (runner.py).
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath
from typing import Any, cast

from pipelines.errors import ModelError
from pipelines.models.nodes import (
    DataTest,
    Kind,
    ModelColumn,
    Node,
    Project,
    Relation,
    SourceTable,
    digest,
)
from pipelines.models.properties import (
    MATERIALIZATIONS,
    NodeProperties,
    ProjectFile,
    Properties,
    TestDeclaration,
    merge_config,
    read_project_file,
    read_properties,
)
from pipelines.models.render import Renderer


@dataclass(frozen=True, slots=True)
class _Draft:
    """A node whose configuration is known but whose references are not resolved yet."""

    name: str
    kind: Kind
    path: Path
    shown: str
    config: Mapping[str, Any]
    relation: Relation
    properties: NodeProperties | None
    refs: tuple[str, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()


def load_project(
    root: Path, *, target_schema: str = "public", variables: Mapping[str, Any] | None = None
) -> Project:
    """The dbt project in `root`. Needs no database. Raises ModelError naming file and line.

    target_schema: dbt's target.schema; anything but "public" builds a parallel set of schemas.
    variables: override the project's vars.
    """
    project_file = read_project_file(root)
    properties = read_properties(
        root, [p for f in ("models", "seeds", "tests") for p in sorted((root / f).rglob("*.yml"))]
    )
    macros = {
        p.relative_to(root).as_posix(): p.read_text(encoding="utf-8")
        for p in (root / "macros").rglob("*.sql")
    }
    renderer = Renderer(macros, {**project_file.variables, **(variables or {})}, target_schema)
    return _Reader(root, project_file, properties, renderer).read()


class _Reader:
    def __init__(
        self, root: Path, project_file: ProjectFile, properties: Properties, renderer: Renderer
    ) -> None:
        self._root = root
        self._file = project_file
        self._properties = properties
        self._renderer = renderer
        self._drafts: dict[str, _Draft] = {}

    def read(self) -> Project:
        for path in sorted((self._root / "seeds").rglob("*.csv")):
            self._add(self._seed_draft(path))
        for path in sorted((self._root / "models").rglob("*.sql")):
            self._add(self._model_draft(path))
        self._check_described()
        nodes = {draft.name: self._node(draft) for draft in self._drafts.values()}
        nodes = {name: nodes[name] for name in self._order(nodes)}
        nodes = self._with_singular_tests(nodes)
        nodes = {name: nodes[name] for name in self._order(nodes)}
        return Project(self._file.name, self._root, nodes, self._properties.sources)

    def _add(self, draft: _Draft) -> None:
        if draft.name in self._drafts:
            first = self._drafts[draft.name].shown
            raise ModelError(
                draft.shown, f"the name {draft.name} is taken", hint=f"{first} has it; names are unique"
            )
        self._drafts[draft.name] = draft

    def _seed_draft(self, path: Path) -> _Draft:
        described = self._properties.seeds.get(path.stem)
        config = self._config("seeds", path, described, {})
        return self._draft(path, "seed", config, described)

    def _model_draft(self, path: Path) -> _Draft:
        described = self._properties.models.get(path.stem)
        shown = path.relative_to(self._root).as_posix()
        # First pass: whatever ref() and source() point to, the template shows its own config and references.
        rendered = self._renderer.model(
            shown,
            path.read_text(encoding="utf-8"),
            ref=_nowhere,
            source=_nowhere,
            this=Relation("", path.stem),
        )
        config = self._config("models", path, described, rendered.config)
        kind = config.get("materialized", "view")
        if kind not in MATERIALIZATIONS:
            raise ModelError(f"{shown}:1", f"materialized={kind!r} is not known", hint="view or table")
        draft = self._draft(path, cast(Kind, kind), config, described)
        return replace(
            draft, refs=tuple(dict.fromkeys(rendered.refs)), sources=tuple(dict.fromkeys(rendered.sources))
        )

    def _draft(
        self, path: Path, kind: Kind, config: Mapping[str, Any], described: NodeProperties | None
    ) -> _Draft:
        shown = path.relative_to(self._root).as_posix()
        schema = self._renderer.schema_name(shown, config.get("schema"))
        return _Draft(path.stem, kind, path, shown, config, Relation(schema, path.stem), described)

    def _config(
        self, section: str, path: Path, described: NodeProperties | None, in_file: Mapping[str, Any]
    ) -> dict[str, Any]:
        below = PurePosixPath(path.relative_to(self._root / section).as_posix())
        config = self._file.folder_config(section, below)
        if described is not None:
            config = merge_config(config, described.config, described.place)
        return merge_config(config, in_file, path.relative_to(self._root).as_posix())

    def _check_described(self) -> None:
        for section, kind in ((self._properties.models, "model"), (self._properties.seeds, "seed")):
            for described in section.values():
                draft = self._drafts.get(described.name)
                if draft is None or (draft.kind == "seed") != (kind == "seed"):
                    raise ModelError(
                        described.place, f"describes the {kind} {described.name}, which has no file"
                    )

    def _node(self, draft: _Draft) -> Node:
        described = draft.properties
        if draft.kind == "seed":
            columns, sql, version = self._seed_content(draft)
        else:
            columns = described.columns if described else ()
            sql = self._renderer.model(
                draft.shown,
                draft.path.read_text(encoding="utf-8"),
                ref=self._ref,
                source=self._source,
                this=draft.relation,
            ).sql.rstrip(";")
            version = digest(sql, draft.kind, draft.relation.dotted)
        tests, read_by_tests = self._generic_tests(draft)
        return Node(
            name=draft.name,
            kind=draft.kind,
            schema=draft.relation.schema,
            path=draft.path,
            sql=sql,
            code_version=version,
            depends_on=draft.refs,
            build_after=tuple(sorted(read_by_tests - {draft.name, *draft.refs})),
            sources=draft.sources,
            description=described.description if described else "",
            columns=columns,
            tests=tests,
            tags=tuple(draft.config.get("tags", ())),
            meta=dict(draft.config.get("meta") or {}),
        )

    def _seed_content(self, draft: _Draft) -> tuple[tuple[ModelColumn, ...], str, str]:
        types = cast(Mapping[str, str], draft.config.get("column_types") or {})
        with draft.path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file), [])
        described = {column.name: column for column in (draft.properties.columns if draft.properties else ())}
        place = draft.properties.place if draft.properties else draft.shown
        for name in (*described, *types):
            if name not in header:
                raise ModelError(place, f"column {name} is not in {draft.shown}")
        columns = tuple(
            ModelColumn(
                name, described[name].description if name in described else "", types.get(name, "text")
            )
            for name in header
        )
        content = hashlib.sha256(draft.path.read_bytes()).hexdigest()
        return (
            columns,
            "",
            digest(content, draft.relation.dotted, *(f"{c.name} {c.data_type}" for c in columns)),
        )

    def _generic_tests(self, draft: _Draft) -> tuple[tuple[DataTest, ...], set[str]]:
        tests: dict[str, DataTest] = {}
        reads: set[str] = set()
        for declared in draft.properties.tests if draft.properties else ():
            if declared.name in tests:
                raise ModelError(
                    declared.place, f"the test {declared.name} is there twice", hint="give one a name:"
                )
            sql, refs = self._generic_test(declared, draft.relation, draft.relation)
            candidate, _ = self._generic_test(declared, draft.relation, draft.relation.candidate)
            reads.update(refs)
            tests[declared.name] = DataTest(
                declared.name, declared.severity, sql, candidate, declared.column, declared.description
            )
        return tuple(tests.values()), reads

    def _generic_test(
        self, declared: TestDeclaration, own: Relation, relation: Relation
    ) -> tuple[str, list[str]]:
        arguments = dict(declared.arguments)
        if declared.column is not None:
            arguments["column_name"] = declared.column

        def ref(name: str) -> Relation:
            # A test that compares a relation with itself must see the one that it guards.
            return relation if name == own.identifier else self._ref(name)

        rendered = self._renderer.generic_test(declared, relation, arguments, ref=ref, source=self._source)
        return rendered.sql, rendered.refs

    def _with_singular_tests(self, nodes: dict[str, Node]) -> dict[str, Node]:
        """Gives each test in tests/*.sql to the last node that it reads: by then all can be asked."""
        position = {name: place for place, name in enumerate(nodes)}
        for path in sorted((self._root / "tests").rglob("*.sql")):
            shown = path.relative_to(self._root).as_posix()
            text = path.read_text(encoding="utf-8")
            rendered = self._renderer.model(shown, text, ref=self._ref, source=self._source)
            if not rendered.refs:
                raise ModelError(f"{shown}:1", "a singular test must ref() a model, else it guards nothing")
            guarded = nodes[max(rendered.refs, key=position.__getitem__)]
            candidate = self._renderer.model(
                shown,
                text,
                ref=lambda name, last=guarded: last.table.candidate if name == last.name else self._ref(name),
                source=self._source,
            )
            described = self._properties.singular_tests.get(path.stem)
            severity = str(rendered.config.get("severity", "error")).lower()
            if severity not in ("error", "warn"):
                raise ModelError(f"{shown}:1", f"severity {severity!r} is not known", hint="error or warn")
            test = DataTest(
                path.stem,
                severity,
                rendered.sql.rstrip(";"),
                candidate.sql.rstrip(";"),
                description=described.description if described else "",
            )
            others = set(rendered.refs) - {guarded.name, *guarded.depends_on}
            nodes[guarded.name] = replace(
                guarded,
                tests=(*guarded.tests, test),
                build_after=tuple(sorted({*guarded.build_after, *others})),
            )
        return nodes

    def _order(self, nodes: Mapping[str, Node]) -> tuple[str, ...]:
        try:
            sorter = TopologicalSorter({name: (*n.depends_on, *n.build_after) for name, n in nodes.items()})
            return tuple(sorter.static_order())
        except CycleError as error:
            circle = cast(list[str], error.args[1])
            raise ModelError(circle[0], f"stands in a circle: {' <- '.join(circle)}") from error

    def _ref(self, name: str) -> Relation:
        if name not in self._drafts:
            raise ModelError(
                name, "is no model and no seed", hint="ref() takes a file's name without its ending"
            )
        return self._drafts[name].relation

    def _source(self, source: str, table: str) -> Relation:
        known: SourceTable | None = self._properties.sources.get((source, table))
        if known is None:
            raise ModelError(
                f"{source}.{table}", "is no declared source", hint="render sources.yml from the contracts"
            )
        return known.relation


def _nowhere(*names: str) -> Relation:
    return Relation("", names[-1])
