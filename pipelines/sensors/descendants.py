"""After uploads were loaded: one run of the models that are made from them, however many datasets and files came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg
from psycopg import Connection

from pipelines.assets.warehouse import is_reference, model_key
from pipelines.contracts import Contract
from pipelines.errors import GudangError
from pipelines.jobs import UPLOAD, WAREHOUSE
from pipelines.models.nodes import Project
from pipelines.resources.warehouse import Warehouse

QUIET_S = 20
"""Seconds without another upload's load before models are built: more than the upload sensor's interval, so that files
that are put there together are built from together."""
LONGEST_S = 600
"""Seconds that models of a loaded upload wait at most for others that still come."""
AFTER_TAG = "gudang/after"
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def descendants_sensor(contracts: Sequence[Contract], project: Project) -> dg.SensorDefinition:
    """Asks the ledger what runs of `upload` have loaded since the last time; its cursor is the last batch's number."""
    models = {c.key: descendants(c, project) for c in contracts if c.server.kind == "upload"}

    @dg.sensor(
        name="warehouse_after_uploads",
        job_name=WAREHOUSE,
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Membangun model yang memakai dataset yang baru diunggah, sekali untuk semuanya.",
    )
    def build_descendants(
        context: dg.SensorEvaluationContext, warehouse: Warehouse
    ) -> dg.SensorResult | dg.SkipReason:
        since = int(context.cursor or 0)
        try:
            with warehouse.connect() as connection:
                loaded = _loaded(context.instance, connection, since, sorted(models))
                missing = _missing(connection, project) if loaded else set[str]()
        except GudangError as error:
            context.log.error(str(error))
            return dg.SkipReason(str(error))
        if not loaded:
            return dg.SkipReason("Tidak ada unggahan yang baru dimuat.")
        if waits_for := _waits_for(context.instance, loaded):
            return dg.SkipReason(waits_for)
        last = max(batch for batch, *_ in loaded)
        datasets = sorted({dataset for _, dataset, _, _ in loaded})
        made = {name for dataset in datasets for name in models[dataset]}
        selected = made | (_ancestors(project, made) & missing)
        if not made:
            reason = f"Tidak ada model yang memakai {', '.join(datasets)}."
            return dg.SensorResult(skip_reason=reason, cursor=str(last))
        context.log.info(f"Membangun model dari {', '.join(datasets)}")
        request = dg.RunRequest(
            run_key=f"upload:{last}",
            asset_selection=sorted(model_key(project.nodes[name]) for name in selected),
            tags={AFTER_TAG: ",".join(sorted({run_id for _, _, run_id, _ in loaded}))},
        )
        return dg.SensorResult(run_requests=[request], cursor=str(last))

    return build_descendants


_Loaded = tuple[int, str, str, float]
"""Number of the batch, dataset, run, seconds since it was published."""


def _loaded(
    instance: dg.DagsterInstance, connection: Connection[Any], since: int, uploads: list[str]
) -> list[_Loaded]:
    """What runs of the job `upload` published after batch `since`; a night's loads are followed by its own links."""
    known = connection.execute("select to_regclass('ops.load_batch') is not null").fetchone()
    if not known or not known[0]:
        return []
    rows = connection.execute(
        "select batch_id, dataset, run_id, extract(epoch from clock_timestamp() - finished_at)::float8"
        " from ops.load_batch where batch_id > %s and state = 'loaded' and dataset = any(%s)"
        " and finished_at > clock_timestamp() - interval '1 day' order by batch_id",
        [since, uploads],
    ).fetchall()
    run_ids = sorted({run_id for _, _, run_id, _ in rows if run_id})
    if not run_ids:
        return []
    runs = instance.get_runs(dg.RunsFilter(run_ids=run_ids, job_name=UPLOAD))
    of_uploads = {run.run_id for run in runs}
    return [row for row in rows if row[2] in of_uploads]


def _waits_for(instance: dg.DagsterInstance, loaded: Sequence[_Loaded]) -> str:
    """What is better waited for before models are built; "" where nothing is, or it was waited for long enough."""
    ages = [age for *_, age in loaded]
    if max(ages) > LONGEST_S:
        return ""
    for job, words in ((UPLOAD, "pemuatan unggahan"), (WAREHOUSE, "pembangunan model")):
        running = instance.get_runs(dg.RunsFilter(job_name=job, statuses=_UNFINISHED))
        if running:
            return f"Menunggu {len(running)} {words} selesai, run {running[0].run_id[:8]} di antaranya."
    if min(ages) < QUIET_S:
        return f"Menunggu {QUIET_S} detik tanpa unggahan lain, agar model dibangun sekali untuk semuanya."
    return ""


def descendants(contract: Contract, project: Project) -> set[str]:
    """The models that are made from a dataset."""
    readers = project.readers([(contract.opd, contract.dataset)])
    return {n.name for n in project.nodes.values() if n.name in readers | project.descendants(readers)}


def _ancestors(project: Project, names: set[str]) -> set[str]:
    """What the models read, and what that reads, without reference data, which every start builds."""
    read = {ancestor for name in names for ancestor in project.ancestors(name)}
    return {name for name in read if not is_reference(project.nodes[name])}


def _missing(connection: Connection[Any], project: Project) -> set[str]:
    """Models that were never built: before the first night an upload's models need those that they read, too."""
    rows = connection.execute(
        "select name from unnest(%s::text[], %s::text[]) as n (name, relation) where to_regclass(relation) is null",
        [[*project.nodes], [node.relation for node in project.nodes.values()]],
    ).fetchall()
    return {name for (name,) in rows}
