"""Makes the assets of the SQL models: `referensi` (codes that ingest checks against) and `models` (all others).

All models that read raw are built in one step, so that a failed model stops its descendants only. Models with windows
are in it, too (ADR 017): as a separate step they would split the build into three steps, one after the other.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial
from typing import Any

import dagster as dg
from pydantic import Field

from pipelines.assets.raw import FULL_REFRESH
from pipelines.contracts import windows
from pipelines.contracts.model import Cadence
from pipelines.contracts.windows import Window
from pipelines.jobs import RANGE_END, RANGE_START
from pipelines.models.build.results import NodeResult
from pipelines.models.build.runner import build, run_tests
from pipelines.models.lineage.lineage import column_lineage
from pipelines.models.project.nodes import Node, Project
from pipelines.models.project.project import load_project
from pipelines.redaction.database_urls import libpq_url
from pipelines.resources.warehouse import Warehouse
from pipelines.runtime.state_words import MODELS

log = logging.getLogger("gudang")
REFERENCE_TAG = "referensi"
PARTITION = "dagster/partition"
Result = dg.MaterializeResult[Any] | dg.AssetCheckResult


def model_key(node: Node) -> dg.AssetKey:
    """The key of a model or seed: schema and name."""
    return dg.AssetKey([node.schema, node.name])


def is_reference(node: Node) -> bool:
    """Whether a node is reference data, against which ingest checks codes."""
    return node.kind == "seed" or REFERENCE_TAG in node.tags


def model_assets(project: Project) -> list[dg.AssetsDefinition]:
    """Makes two multi-assets: reference data, which ingest needs, and all models that read raw."""
    nodes = list(project.nodes.values())
    return [
        _multi_asset("referensi", [n for n in nodes if is_reference(n)], project),
        _multi_asset("models", [n for n in nodes if not is_reference(n)], project),
    ]


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
            raise dg.Failure(
                f"{start} .. {end}: tulis hari sebagai tttt-bb-hh", allow_retries=False
            ) from None
        if first > last:
            raise dg.Failure(f"Jendela dimulai {first}, sesudah akhirnya {last}.", allow_retries=False)
        return Window(first, last)


def _multi_asset(name: str, nodes: Sequence[Node], project: Project) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=name,
        specs=[_spec(node, project) for node in nodes],
        check_specs=[
            dg.AssetCheckSpec(
                check.name,
                asset=model_key(node),
                blocking=check.severity == "error",
                description=check.description or None,
            )
            for node in nodes
            for check in node.checks
        ],
        can_subset=True,
        pool="gudang",
        description="Membangun model SQL di dbt_like_sql/: dibangun sebagai tabel calon, diuji, lalu dirilis.",
    )
    def build_models(
        context: dg.AssetExecutionContext, config: ModelsConfig, warehouse: Warehouse
    ) -> Iterator[Result]:
        selected = [n.name for n in nodes if model_key(n) in context.selected_asset_keys]
        selected_checks = context.selected_asset_check_keys
        checks_only = {k.asset_key for k in selected_checks} - context.selected_asset_keys
        released = partial(_test_released, project, warehouse, selected_checks)
        yield from released([n.name for n in nodes if model_key(n) in checks_only])
        if not selected:
            return
        tags = context.run.tags
        window = config.window(tags)
        results = build(
            load_project(project.root, window=window, suites=project.suites) if window else project,
            libpq_url(warehouse.url),
            select=selected,
            run_id=context.run.run_id,
            on_result=_report,
            full_refresh=config.full_refresh or tags.get(FULL_REFRESH, "") == "true",
            build_all=config.build_all,
        )
        failures: list[str] = []
        for result in results:
            for found in _results(project, result):
                if not isinstance(found, dg.AssetCheckResult) or _check_key(found) in selected_checks:
                    yield found
            if result.state != "ok":
                failures.append(f"{result.asset}: {MODELS[result.state][0]}: {result.error or ''}")
                context.log.error(failures[-1])
        left = [r.name for r in results if r.unchanged]
        if left:
            log.info("%d dari %d model tidak berubah dan dibiarkan", len(left), len(results))
        # A model that was not built keeps its released relation, which is tested instead.
        untested = {r.name: r.error or r.state for r in results if r.state != "ok" and not r.tests}
        yield from released([*untested], untested)
        if failures:
            # Dagster shows a planned check without a result as failed if its run fails, else as skipped.
            yield from released(left, dict.fromkeys(left, "tidak berubah"))
            raise dg.Failure(description="\n".join(failures), allow_retries=False)

    return build_models


def _test_released(
    project: Project,
    warehouse: Warehouse,
    selected_checks: Set[dg.AssetCheckKey],
    names: Sequence[str],
    why: Mapping[str, str] | None = None,
) -> Iterator[dg.AssetCheckResult]:
    """Tests models on their released relations, and builds nothing. why: by model, why it was not built."""
    if not any(project.nodes[name].checks for name in names):
        return
    for result in run_tests(project, libpq_url(warehouse.url), select=names):
        note = f" (model tidak dibangun, yang sudah dirilis diuji: {why[result.name]})" if why else ""
        yield from (r for r in _check_results(project, result, note) if _check_key(r) in selected_checks)


def _check_key(result: dg.AssetCheckResult) -> dg.AssetCheckKey:
    assert result.asset_key is not None and result.check_name is not None
    return dg.AssetCheckKey(result.asset_key, result.check_name)


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


def _spec(node: Node, project: Project) -> dg.AssetSpec:
    upstream = [model_key(project.nodes[name]) for name in node.depends_on]
    upstream += [dg.AssetKey(["raw", opd, table]) for opd, table in node.sources if opd != "ops"]
    return dg.AssetSpec(
        key=model_key(node),
        deps=upstream,
        group_name="referensi" if is_reference(node) else node.schema,
        description=node.description or None,
        kinds={"postgres", "csv" if node.kind == "seed" else node.kind},
        owners=["team:diskominfo"],
        tags={"lapisan": node.schema},
        skippable=True,
        code_version=node.code_version,
        metadata={
            "dagster/table_name": node.relation,
            "dagster/column_schema": _column_schema(
                [(c.name, c.data_type or "", c.description) for c in node.columns]
            ),
            "berkas": dg.MetadataValue.path(str(node.path)),
        },
    )


def _column_schema(columns: Sequence[tuple[str, str, str]]) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[dg.TableColumn(name=n, type=t or "tidak dikenal", description=d) for n, t, d in columns]
    )


def _check_results(project: Project, result: NodeResult, note: str = "") -> Iterator[dg.AssetCheckResult]:
    """Gives a result for each test; a warning for each if the relation does not exist yet."""
    node = project.nodes[result.name]
    for test in result.tests:
        yield dg.AssetCheckResult(
            asset_key=model_key(node),
            check_name=test.name,
            passed=test.passed,
            severity=dg.AssetCheckSeverity.ERROR if test.severity == "error" else dg.AssetCheckSeverity.WARN,
            description=f"{test.message or ''}{note}".strip() or None,
            metadata={"baris_menyimpang": test.unexpected or 0},
        )
    for check in node.checks if result.state == "skipped" else ():
        yield dg.AssetCheckResult(
            asset_key=model_key(node),
            check_name=check.name,
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"Tidak diuji: belum ada yang dirilis.{note}",
        )


def _results(project: Project, result: NodeResult) -> Iterator[Result]:
    node = project.nodes[result.name]
    if result.tests:
        yield from _check_results(project, result)
    if result.state == "ok" and not result.unchanged:
        yield dg.MaterializeResult(
            asset_key=model_key(node),
            metadata=_metadata(project, node, result),
            data_version=dg.DataVersion(result.version) if result.version else None,
        )


def _metadata(project: Project, node: Node, result: NodeResult) -> dict[str, Any]:
    described = {c.name: c.description for c in node.columns}
    metadata: dict[str, Any] = {
        "detik": result.seconds,
        "dagster/column_schema": _column_schema([(n, t, described.get(n, "")) for n, t in result.columns]),
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
