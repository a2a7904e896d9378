"""Reads a dbt project folder into a `Project`.

What belongs here: which files make which node, which nodes read which, and the order in which all can be built.
Not here: the YAML vocabulary (properties.py), Jinja (render.py), and databases (models/build/runner.py).
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, cast

from pipelines.contracts.windows import Window
from pipelines.errors import ModelError
from pipelines.identifiers import CANDIDATE_SUFFIX, LONGEST_MODEL
from pipelines.models.project.materialization import (
    Incremental,
    Materialization,
    digest,
    read_materialization,
)
from pipelines.models.project.nodes import DataTest, Kind, ModelColumn, Node, Project, Relation, SourceTable
from pipelines.models.project.properties import (
    MATERIALIZATIONS,
    NodeProperties,
    ProjectFile,
    Properties,
    TestDeclaration,
    merge_config,
    read_project_file,
    read_properties,
)
from pipelines.models.project.render import Renderer
from pipelines.models.project.suites import in_building_order, with_suites
from pipelines.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class _Draft:
    """A node whose config is known, and whose references are not resolved yet."""

    name: str
    kind: Kind
    path: Path
    shown: str
    config: Mapping[str, Any]
    relation: Relation
    properties: NodeProperties | None
    materialization: Materialization
    refs: tuple[str, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()


def load_project(
    root: Path,
    *,
    target_schema: str = "public",
    variables: Mapping[str, Any] | None = None,
    window: Window | None = None,
    suites: Path | None = None,
) -> Project:
    """Reads the dbt project in `root`. It needs no database.

    Raises ModelError naming file and line, QualityError for a suite.

    target_schema: dbt's target.schema; any other than "public" builds a parallel set of schemas.
    variables: override the project's vars. window: the days to build; the SQL reads them as the vars `window_start` and
    `window_end` (ISO dates, both included). suites: the folder of Great Expectations suites; their queries name
    relations of target "public".
    """
    project_file = read_project_file(root)
    properties = read_properties(
        root, [p for f in ("models", "seeds", "tests") for p in sorted((root / f).rglob("*.yml"))]
    )
    macros = {
        p.relative_to(root).as_posix(): p.read_text(encoding="utf-8")
        for p in (root / "macros").rglob("*.sql")
    }
    days = {"window_start": window.start.isoformat(), "window_end": window.end.isoformat()} if window else {}
    renderer = Renderer(macros, {**project_file.variables, **(variables or {})}, target_schema, days)
    project = replace(_Reader(root, project_file, properties, renderer).read(), window=window)
    return with_suites(project, suites) if suites else project


class _Reader:
    def __init__(
        self, root: Path, project_file: ProjectFile, properties: Properties, renderer: Renderer
    ) -> None:
        self._root = root
        self._file = project_file
        self._properties = properties
        self._renderer = renderer
        self._drafts: dict[str, _Draft] = {}
        self._disabled: set[str] = set()

    def read(self) -> Project:
        for path in sorted((self._root / "seeds").rglob("*.csv")):
            self._add(self._seed_draft(path))
        for path in sorted((self._root / "models").rglob("*.sql")):
            self._add(self._model_draft(path))
        self._check_described()
        self._check_exposures()
        nodes = {draft.name: self._node(draft) for draft in self._drafts.values()}
        nodes = {name: nodes[name] for name in in_building_order(nodes)}
        nodes = self._with_singular_tests(nodes)
        nodes = {name: nodes[name] for name in in_building_order(nodes)}
        sources, exposures = self._properties.sources, self._properties.exposures
        project = Project(self._file.name, self._root, nodes, sources, exposures)
        return replace(project, nodes=self._grouped(project))

    def _add(self, draft: _Draft) -> None:
        if draft.config.get("enabled", True) is False:
            self._disabled.add(draft.name)
            return
        if len(draft.name.encode()) > LONGEST_MODEL:
            raise ModelError(
                draft.shown,
                f"nama {draft.name} akan dipotong PostgreSQL",
                hint=f"paling banyak {LONGEST_MODEL} karakter; saat dibangun ditambah {CANDIDATE_SUFFIX}",
            )
        if draft.name in self._drafts:
            first = self._drafts[draft.name].shown
            raise ModelError(
                draft.shown,
                f"nama {draft.name} sudah dipakai",
                hint=f"dipakai {first}; setiap nama harus unik",
            )
        self._drafts[draft.name] = draft

    def _seed_draft(self, path: Path) -> _Draft:
        described = self._properties.seeds.get(path.stem)
        config = self._config("seeds", path, described, {})
        return self._draft(path, "seed", config, described)

    def _model_draft(self, path: Path) -> _Draft:
        described = self._properties.models.get(path.stem)
        shown = path.relative_to(self._root).as_posix()
        text, nowhere = path.read_text(encoding="utf-8"), Relation("", path.stem)
        # First pass, in which ref() and source() resolve to nothing: it gives the template's config and references,
        # also those that it has only if is_incremental().
        rendered, later = (
            self._renderer.model(
                shown, text, ref=_nowhere, source=_nowhere, this=nowhere, incremental=incremental
            )
            for incremental in (False, True)
        )
        config = self._config("models", path, described, rendered.config)
        kind = config.get("materialized", "view")
        if kind not in MATERIALIZATIONS:
            raise ModelError(
                f"{shown}:1",
                f"materialized={kind!r} tidak dikenal",
                hint=did_you_mean(str(kind), MATERIALIZATIONS) or ", ".join(MATERIALIZATIONS),
            )
        draft = self._draft(path, cast(Kind, kind), config, described)
        return replace(
            draft,
            refs=tuple(dict.fromkeys([*rendered.refs, *later.refs])),
            sources=tuple(dict.fromkeys([*rendered.sources, *later.sources])),
        )

    def _draft(
        self, path: Path, kind: Kind, config: Mapping[str, Any], described: NodeProperties | None
    ) -> _Draft:
        shown = path.relative_to(self._root).as_posix()
        schema = self._renderer.schema_name(shown, config.get("schema"))
        materialization = read_materialization(kind, config, shown)
        return _Draft(
            path.stem, kind, path, shown, config, Relation(schema, path.stem), described, materialization
        )

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
                if described.name in self._disabled:
                    continue
                if draft is None or (draft.kind == "seed") != (kind == "seed"):
                    raise ModelError(
                        described.place,
                        f"menjelaskan {kind} {described.name}, yang berkasnya tidak ada",
                        hint=did_you_mean(described.name, self._drafts) or None,
                    )

    def _check_exposures(self) -> None:
        for exposure in self._properties.exposures.values():
            lost = [name for name in exposure.depends_on if name not in self._drafts]
            if lost:
                raise ModelError(
                    f"exposure {exposure.name}",
                    f"{lost[0]} bukan model dan bukan seed",
                    hint=did_you_mean(lost[0], self._drafts) or None,
                )

    def _grouped(self, project: Project) -> dict[str, Node]:
        """The nodes, each with the exposure with which it is released in one transaction."""
        nodes = dict(project.nodes)
        for exposure in project.exposures.values():
            if not exposure.published_together:
                continue
            place = f"exposure {exposure.name}"
            for name in exposure.depends_on:
                node = nodes[name]
                if node.transaction_group or node.kind == "incremental":
                    why = f"juga ada di {node.transaction_group}" if node.transaction_group else "incremental"
                    hint = "hanya tabel dan view dari satu exposure dapat terbit bersama"
                    raise ModelError(place, f"{name} {why}: tidak dapat terbit bersama yang lain", hint=hint)
                above = project.ancestors(name).intersection(exposure.depends_on)
                if above:
                    raise ModelError(
                        place,
                        f"{name} membaca {min(above)}, yang tidak terbit lebih dulu",
                        hint="keluarkan salah satunya",
                    )
                nodes[name] = replace(node, transaction_group=exposure.name)
        return nodes

    def _node(self, draft: _Draft) -> Node:
        described = draft.properties
        incremental, suppression = None, ""
        if draft.kind == "seed":
            columns, sql, version = self._seed_content(draft)
        else:
            columns = described.columns if described else ()
            sql, suppression = self._compiled(draft, incremental=False)
            code, adding = sql, None
            if draft.kind == "incremental":
                made = draft.materialization.incremental
                incremental, suppression = made(self._compiled(draft, incremental=True)[0]), ""
                code, adds = (self._compiled(draft, incremental=i, timeless=True)[0] for i in (False, True))
                adding = made(adds)
            version = digest(code, draft.kind, draft.relation.dotted, *self._version(draft, adding))
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
            materialization=draft.materialization,
            incremental=incremental,
            suppression=suppression,
        )

    def _compiled(self, draft: _Draft, *, incremental: bool, timeless: bool = False) -> tuple[str, str]:
        """Renders the query; gives it, and the suppressing macro's query in it. timeless: without days to build."""
        text = draft.path.read_text(encoding="utf-8")
        rendered = self._renderer.model(
            draft.shown, text, ref=self._ref, source=self._source, this=draft.relation,
            incremental=incremental, timeless=timeless,
        )  # fmt: skip
        return rendered.sql.rstrip(";"), rendered.suppression

    def _version(self, draft: _Draft, incremental: Incremental | None) -> tuple[str, ...]:
        """The settings that change the relation, apart from its query."""
        made = draft.materialization
        full = f"full_refresh={made.full_refresh}" if made.full_refresh is not None else ""
        return tuple(str(part) for part in (made.indexes, made.grants, incremental, full) if part)

    def _seed_content(self, draft: _Draft) -> tuple[tuple[ModelColumn, ...], str, str]:
        types = cast(Mapping[str, str], draft.config.get("column_types") or {})
        with draft.path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file), [])
        described = {column.name: column for column in (draft.properties.columns if draft.properties else ())}
        place = draft.properties.place if draft.properties else draft.shown
        for name in (*described, *types):
            if name not in header:
                raise ModelError(
                    place,
                    f"kolom {name} tidak ada di {draft.shown}",
                    hint=did_you_mean(name, header) or None,
                )
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
        for given in draft.properties.tests if draft.properties else ():
            if given.name in tests:
                raise ModelError(given.place, f"uji {given.name} ganda", hint="beri salah satunya name:")
            sql, refs = self._generic_test(given, draft.relation, draft.relation)
            candidate, _ = self._generic_test(given, draft.relation, draft.relation.candidate)
            reads.update(refs)
            tests[given.name] = DataTest(
                given.name, given.severity, sql, candidate, given.column, given.description, given.test
            )
        return tuple(tests.values()), reads

    def _generic_test(
        self, declared: TestDeclaration, own: Relation, relation: Relation
    ) -> tuple[str, list[str]]:
        arguments = dict(declared.arguments)
        if declared.column is not None:
            arguments["column_name"] = declared.column

        def ref(name: str) -> Relation:
            # A test of the candidate that refers to its own model must read the candidate.
            return relation if name == own.identifier else self._ref(name)

        rendered = self._renderer.generic_test(declared, relation, arguments, ref=ref, source=self._source)
        return rendered.sql, rendered.refs

    def _with_singular_tests(self, nodes: dict[str, Node]) -> dict[str, Node]:
        """Gives each test in tests/*.sql to the last node that it reads: then all that it reads is built."""
        position = {name: place for place, name in enumerate(nodes)}
        for path in sorted((self._root / "tests").rglob("*.sql")):
            shown = path.relative_to(self._root).as_posix()
            text = path.read_text(encoding="utf-8")
            rendered = self._renderer.model(shown, text, ref=self._ref, source=self._source)
            if not rendered.refs:
                raise ModelError(f"{shown}:1", "uji di tests/ harus membaca model dengan ref()")
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
                raise ModelError(
                    f"{shown}:1", f"severity {severity!r} tidak dikenal", hint="pakai error atau warn"
                )
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

    def _ref(self, name: str) -> Relation:
        if name in self._disabled:
            raise ModelError(name, "dimatikan (enabled: false)", hint="hidupkan, atau jangan dibaca")
        if name not in self._drafts:
            raise ModelError(
                name,
                "bukan model dan bukan seed",
                hint=did_you_mean(name, self._drafts) or "ref() memakai nama berkas tanpa akhirannya",
            )
        return self._drafts[name].relation

    def _source(self, source: str, table: str) -> Relation:
        known: SourceTable | None = self._properties.sources.get((source, table))
        if known is None:
            declared = [f"{opd}.{dataset}" for opd, dataset in self._properties.sources]
            raise ModelError(
                f"{source}.{table}",
                "bukan sumber yang dikenal",
                hint=did_you_mean(f"{source}.{table}", declared) or "jalankan `gudang validate --fix`",
            )
        return known.relation


def _nowhere(*names: str) -> Relation:
    return Relation("", names[-1])
