"""Makes the assets of the SQL models: `referensi` (codes that ingest checks against) and `models` (all others).

All models that read raw are built in one step, so that a failed model stops its descendants only. Models with windows
are in it, too (ADR 017): as a separate step they would split the build into three steps, one after the other.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import dagster as dg
from psycopg import Connection
from pydantic import Field

from pipelines.assets import left_models, quality_scores
from pipelines.assets.catalogue import PageLinks
from pipelines.assets.check_events import Result, check_key, to_dagster
from pipelines.assets.check_groups import Group, Rule, grouped, output_identifier
from pipelines.assets.check_pages import result_of_group
from pipelines.assets.naming import tag_value
from pipelines.assets.raw import FULL_REFRESH
from pipelines.contracts import windows
from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Cadence, Window
from pipelines.jobs import RANGE_END, RANGE_START
from pipelines.models.build.audit import OpenColumns
from pipelines.models.build.due import due, first_to_last, open_ranges
from pipelines.models.build.open_days import MOST_RANGES
from pipelines.models.build.results import NodeResult
from pipelines.models.build.runner import build, run_tests
from pipelines.models.lineage.lineage import column_lineage, keep
from pipelines.models.lineage.open_columns import open_columns
from pipelines.models.project.nodes import Node, Project
from pipelines.models.project.project import load_project
from pipelines.publication.mart import OPEN
from pipelines.redaction.database_urls import libpq_url
from pipelines.resources.warehouse import Warehouse
from pipelines.runs.causes import StepError, says_its_cause
from pipelines.runtime.state_words import MODELS

log = logging.getLogger("gudang")
REFERENCE_TAG = "referensi"
PARTITION = "dagster/partition"
_KINDS = {"seed": "csv", "view": "view"}
"""By a node's kind the name for which Dagster has an icon; `table` for the others."""
_DROPPED = (
    "Model ini tidak dirilis dan calonnya sudah dihapus: SQL ini membuat barisnya lagi dari kueri model."
)


def model_key(node: Node) -> dg.AssetKey:
    """The key of a model or seed: schema and name."""
    return dg.AssetKey([node.schema, node.name])


def is_reference(node: Node) -> bool:
    """Whether a node is reference data, against which ingest checks codes."""
    return node.kind == "seed" or REFERENCE_TAG in node.tags


def model_assets(
    project: Project, contracts: Iterable[Contract] = (), links: PageLinks | None = None
) -> list[dg.AssetsDefinition]:
    """Makes two multi-assets: reference data, which ingest needs, and all models that read raw.

    contracts: say which values may be shown of rows that fail a check; without them every value is masked.
    links: to the data dictionary; None for none.
    """
    nodes = list(project.nodes.values())
    may_show = open_columns(project, contracts)
    return [
        _multi_asset("referensi", [n for n in nodes if is_reference(n)], project, may_show, links),
        _multi_asset("models", [n for n in nodes if not is_reference(n)], project, may_show, links),
    ]


def check_groups(nodes: Sequence[Node]) -> dict[str, list[Group]]:
    """The checks of each model of one step, by the model's name."""
    rules = {node.name: _rules(node) for node in nodes}
    taken = {model_key(node).to_python_identifier() for node in nodes}
    for node in nodes:
        taken |= {output_identifier(model_key(node), r.name) for r in rules[node.name] if r.column is None}
    return {node.name: grouped(model_key(node), rules[node.name], taken) for node in nodes}


def _rules(node: Node) -> list[Rule]:
    """The rules of a node. A test of a column belongs to its column; an expectation is a check of its own."""
    tests = [Rule(t.name, t.severity == "error", t.description, t.column) for t in node.tests]
    return tests + [Rule(e.name, e.blocking, e.message or e.type) for e in node.suite]


def due_models(
    project: Project, connection: Connection[Any], tags: Mapping[str, str] | None = None
) -> list[dg.AssetKey]:
    """The keys of the models that a run of the job `warehouse` would build now, without reference data.

    A run selects only these, and with none it need not start; see models/build/due.py. tags: those of the run, whose
    days are asked for. The models are read from their files, as the run does it, which takes 0.4 s. A model whose file
    is new is not named until Dagster has read it. Raises ModelError if a file cannot be read.
    """
    window = ModelsConfig().window(tags or {})  # type: ignore[call-arg]
    known = {model_key(n) for n in project.nodes.values() if not is_reference(n)}
    present = _for_days(project, first_to_last(open_ranges(project, connection, window)))
    names = due(present, connection)
    return [k for n in present.nodes.values() if n.name in names and (k := model_key(n)) in known]


def _for_days(project: Project, window: Window | None) -> Project:
    """The project as its files are now, with the days of a run. Every run builds from the files, with or without days.

    A night asks for it several times.
    """
    folders = [folder for folder in (project.root, project.suites) if folder]
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    states = [(file, stat.st_mtime_ns, stat.st_size) for file, stat in ((f, f.stat()) for f in files)]
    return _render(project.root, project.suites, window, tuple(states))


@lru_cache(maxsize=MOST_RANGES + 1)
def _render(
    root: Path, suites: Path | None, window: Window | None, _states: tuple[tuple[Path, int, int], ...]
) -> Project:
    return load_project(root, window=window, suites=suites)


class ModelsConfig(dg.Config):
    """The config that the Launchpad offers for a run of models."""

    window_start: str = Field(
        "", description="Hari pertama (tttt-bb-hh) yang dibangun ulang pada model incremental."
    )
    window_end: str = Field("", description="Hari terakhirnya, termasuk.")
    full_refresh: bool = Field(
        False,
        description="Muat ulang penuh: bangun semua, model incremental dari semua yang dibacanya.",
    )
    build_all: bool = Field(False, description="Bangun semua yang dipilih, juga yang tidak berubah.")

    def window(self, tags: Mapping[str, str]) -> Window | None:
        """The days of a run, by its config or its partitions. None: build what came since the last build."""
        start = self.window_start or tags.get(RANGE_START) or tags.get(PARTITION)
        end = self.window_end or tags.get(RANGE_END) or tags.get(PARTITION)
        if not start or not end:
            return None
        try:
            first, last = windows.days(Cadence.DAILY, start, end)
        except ValueError:
            raise StepError(f"{start} .. {end}: tulis hari sebagai tttt-bb-hh") from None
        if first > last:
            raise StepError(f"Jendela dimulai {first}, sesudah akhirnya {last}.")
        return Window(first, last)


def _multi_asset(
    name: str,
    nodes: Sequence[Node],
    project: Project,
    may_show: OpenColumns,
    links: PageLinks | None,
) -> dg.AssetsDefinition:
    groups = check_groups(nodes)

    @dg.multi_asset(
        name=name,
        specs=[_spec(node, project, links) for node in nodes],
        check_specs=[group.spec(model_key(node)) for node in nodes for group in groups[node.name]],
        can_subset=True,
        pool="gudang",
        description="Membangun model SQL di dbt_like_sql/: dibangun sebagai tabel calon, diuji, lalu dirilis.",
    )
    @says_its_cause
    def build_models(
        context: dg.AssetExecutionContext, config: ModelsConfig, warehouse: Warehouse
    ) -> Iterator[Result]:
        selected = [n.name for n in nodes if model_key(n) in context.selected_asset_keys]
        selected_checks = context.selected_asset_check_keys
        checks_only = {k.asset_key for k in selected_checks} - context.selected_asset_keys
        released = partial(_test_released, project, groups, warehouse, may_show, selected_checks)
        yield from released([n.name for n in nodes if model_key(n) in checks_only])
        if not selected:
            return
        tags = context.run.tags
        with warehouse.connect() as connection:
            ranges = open_ranges(project, connection, config.window(tags), select=selected)
        results = build(
            _for_days(project, first_to_last(ranges)),
            libpq_url(warehouse.url),
            select=selected,
            run_id=context.run.run_id,
            on_result=_report,
            full_refresh=config.full_refresh or tags.get(FULL_REFRESH, "") == "true",
            build_all=config.build_all,
            open_columns=may_show,
            ranges=[_for_days(project, window) for window in ranges] if len(ranges) > 1 else (),
        )
        left = {model_key(project.nodes[r.name]): r for r in results if r.unchanged}
        # Dagster wants the events of one step in the order of the assets, those of left models among them.
        of_left = {
            event.asset_key: event
            for event in left_models.events(context.instance, left, left_models.awaited(context, left))
        }
        failures: list[str] = []
        for result in results:
            if event := of_left.get(model_key(project.nodes[result.name])):
                yield event
            yield from to_dagster(context, _results(project, groups[result.name], result))
            if result.state != "ok":
                failures.append(f"{result.asset}: {MODELS[result.state][0]}: {result.error or ''}")
                context.log.error(failures[-1])
        keep()
        if any(r.name == quality_scores.MODEL and r.state == "ok" and not r.unchanged for r in results):
            with warehouse.connect() as connection:
                for observation in quality_scores.observations(connection):
                    context.log_event(observation)
        if left:
            log.info("%d dari %d model tidak berubah dan dibiarkan", len(left), len(results))
            last = left_models.with_last_results(warehouse, selected_checks, left)
            for result in last:
                found = _check_results(project, groups[result.name], result)
                yield from (r for r in found if check_key(r) in selected_checks)
            unknown = {r.name for r in left.values()} - {r.name for r in last}
            yield from released([*unknown], dict.fromkeys(unknown, "tidak berubah"))
        # A model that was not built keeps its released relation, which is tested instead.
        untested = {r.name: r.error or r.state for r in results if r.state != "ok" and not r.tests}
        yield from released([*untested], untested)
        if failures:
            raise StepError("\n".join(failures))

    return build_models


def _test_released(
    project: Project,
    groups: Mapping[str, Sequence[Group]],
    warehouse: Warehouse,
    may_show: OpenColumns,
    selected_checks: Set[dg.AssetCheckKey],
    names: Sequence[str],
    why: Mapping[str, str] | None = None,
) -> Iterator[dg.AssetCheckResult]:
    """Tests models on their released relations, and builds nothing. why: by model, why it was not built.

    Only models with planned checks are tested, because Dagster waits for these results. Of others the last one stands.
    """
    planned = {key.asset_key for key in selected_checks}
    names = [name for name in names if model_key(project.nodes[name]) in planned]
    if not names:
        return
    for result in run_tests(project, libpq_url(warehouse.url), select=names, open_columns=may_show):
        note = f"model tidak dibangun, yang sudah dirilis diuji: {why[result.name]}" if why else ""
        found = _check_results(project, groups[result.name], result, note)
        yield from (r for r in found if check_key(r) in selected_checks)


def _report(result: NodeResult) -> None:
    if result.unchanged:
        return
    word, _ = MODELS[result.state]
    rows = "" if result.rows is None else f", {result.rows} baris" + (" baru" if result.incremented else "")
    log.info(
        "%s: %s%s, %.1f detik%s",
        result.asset,
        word,
        rows,
        result.seconds,
        f": {result.error}" if result.error else "",
    )


def _spec(node: Node, project: Project, links: PageLinks | None) -> dg.AssetSpec:
    upstream = [model_key(project.nodes[name]) for name in node.depends_on]
    upstream += [dg.AssetKey(["raw", opd, table]) for opd, table in node.sources if opd != "ops"]
    described = [
        (
            c.name,
            c.data_type or "",
            links.column(node.relation, c.name, c.description) if links else c.description,
        )
        for c in node.columns
    ]
    of_links: dict[str, Any] = {}
    if links:
        file = {"Data" if node.kind == "seed" else "Model": node.path}
        of_links = {
            "dagster/code_references": links.code(file),
            "kamus_data": links.page(node.relation),
        }
        if node.checks:
            of_links["pemeriksaan"] = links.checks(node.relation)
    tags = {"lapisan": node.schema, "cara_bangun": node.kind}
    if theme := node.meta.get("tema"):
        tags["domain"] = tag_value(str(theme))
    if node.meta.get("publikasi") == OPEN:
        tags["klasifikasi"] = OPEN
    return dg.AssetSpec(
        key=model_key(node),
        deps=upstream,
        group_name="referensi" if is_reference(node) else node.schema,
        description=node.description or None,
        kinds={"postgres", _KINDS.get(node.kind, "table")},
        owners=["team:diskominfo"],
        tags=tags,
        skippable=True,
        code_version=node.code_version,
        metadata={
            "dagster/table_name": node.relation,
            "dagster/column_schema": _column_schema(described),
            **of_links,
        },
    )


def _column_schema(columns: Sequence[tuple[str, str, str]]) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[dg.TableColumn(name=n, type=t, description=d or None) for n, t, d in columns]
    )


def _check_results(
    project: Project, groups: Sequence[Group], result: NodeResult, note: str = "", dropped: str = ""
) -> Iterator[dg.AssetCheckResult]:
    """Gives a result for each check; a warning for each if the relation does not exist yet.

    note: is added to the results. dropped: see `result_of_group`.
    """
    key = model_key(project.nodes[result.name])
    tests = {test.name: replace(test, note=note or test.note) for test in result.tests}
    for group in groups:
        if (found := result_of_group(key, group, tests, dropped=dropped)) is not None:
            yield found
        elif result.state == "skipped":
            yield dg.AssetCheckResult(
                asset_key=key,
                check_name=group.name,
                passed=False,
                severity=dg.AssetCheckSeverity.WARN,
                description=f"Tidak diuji: belum ada yang dirilis.{f' ({note})' if note else ''}",
            )


def _results(project: Project, groups: Sequence[Group], result: NodeResult) -> Iterator[Result]:
    node = project.nodes[result.name]
    if result.tests:
        dropped = _DROPPED if result.state == "tests_failed" and node.sql else ""
        yield from _check_results(project, groups, result, dropped=dropped)
    if result.state == "ok" and not result.unchanged:
        yield dg.MaterializeResult(
            asset_key=model_key(node),
            metadata=_metadata(project, node, result),
            data_version=dg.DataVersion(result.version) if result.version else None,
        )


def _metadata(project: Project, node: Node, result: NodeResult) -> dict[str, Any]:
    # Only the types: the page takes descriptions from the definition (`_spec`).
    metadata: dict[str, Any] = {
        "detik": result.seconds,
        "dagster/column_schema": _column_schema([(n, t, "") for n, t in result.columns]),
    }
    if result.rows is not None:
        metadata["dagster/partition_row_count" if result.incremented else "dagster/row_count"] = result.rows
    if node.sql:
        query = node.incremental.sql if node.incremental and result.incremented else node.sql
        metadata["sql"] = dg.MetadataValue.md(f"```sql\n{query}\n```")
    lineage = {
        column: [dg.TableColumnDep(asset_key=_relation_key(rel), column_name=name) for rel, name in deps]
        for column, deps in column_lineage(project, node.name).items()
        if not any(rel.startswith("ops.") for rel, _ in deps)
    }
    if lineage:
        metadata["dagster/column_lineage"] = dg.TableColumnLineage(deps_by_column=lineage)
    return metadata


def _relation_key(relation: str) -> dg.AssetKey:
    """The asset key of the relation `schema.name`: a model, or the raw table <opd>__<dataset>."""
    schema, name = relation.split(".", 1)
    if schema == "raw":
        opd, dataset = name.split("__", 1)
        return dg.AssetKey(["raw", opd, dataset])
    return dg.AssetKey([schema, name])
