"""Starts one run of the models that read the uploads just loaded, however many datasets and files came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from psycopg import Connection

from pipelines.assets.warehouse import is_reference, model_key
from pipelines.contracts.model import Contract
from pipelines.errors import GudangError
from pipelines.jobs import UPLOAD, WAREHOUSE
from pipelines.models.project.nodes import Project
from pipelines.resources.warehouse import Warehouse

QUIET_S = 20
"""Seconds without the load of another upload before models are built. It is more than the interval of the upload
sensor, so that models are built once for files that arrive together."""
LONGEST_S = 600
"""The most seconds that a loaded upload waits for further uploads before its models are built."""
AFTER_TAG = "gudang/after"
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def descendants_sensor(contracts: Sequence[Contract], project: Project) -> dg.SensorDefinition:
    """The sensor that builds the models of uploads loaded since the last time, by the ledger; see `_Built`."""
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
        built = _Built.read(context.cursor)
        try:
            with warehouse.connect() as connection:
                # Open batches are read first: one that ends between the two queries is in the second.
                first_open = _first_open(connection, sorted(models))
                loaded = _loaded(context.instance, connection, built, sorted(models))
                missing = _missing(connection, project) if loaded else set[str]()
        except GudangError as error:
            return dg.SkipReason(str(error))
        if not loaded:
            return dg.SkipReason("Tidak ada unggahan yang baru dimuat.")
        if waits_for := _waits_for(context.instance, loaded):
            return dg.SkipReason(waits_for)
        last = max(batch for batch, *_ in loaded)
        cursor = built.also({batch for batch, *_ in loaded}, first_open).cursor
        datasets = sorted({dataset for _, dataset, _, _ in loaded})
        made = {name for dataset in datasets for name in models[dataset]}
        selected = made | (_ancestors(project, made) & missing)
        if not made:
            reason = f"Tidak ada model yang memakai {', '.join(datasets)}."
            return dg.SensorResult(skip_reason=reason, cursor=cursor)
        context.log.info(f"Membangun model dari {', '.join(datasets)}")
        request = dg.RunRequest(
            run_key=f"upload:{last}",
            asset_selection=sorted(model_key(project.nodes[name]) for name in selected),
            tags={AFTER_TAG: ",".join(sorted({run_id for _, _, run_id, _ in loaded}))},
        )
        return dg.SensorResult(run_requests=[request], cursor=cursor)

    return build_descendants


@dataclass(frozen=True, slots=True)
class _Built:
    """The batches whose models are built: all numbers up to `last`, and those in `others`.

    A batch in `others` has a higher number than one that still runs, but ended before it. The cursor is "7" or
    "7:9,12".
    """

    last: int = 0
    others: frozenset[int] = frozenset()

    @classmethod
    def read(cls, cursor: str | None) -> _Built:
        last, _, others = (cursor or "0").partition(":")
        return cls(int(last), frozenset(int(number) for number in others.split(",") if number))

    def also(self, batches: set[int], first_open: int | None) -> _Built:
        everything = self.others | batches
        last = max(everything, default=self.last)
        if first_open is not None:
            last = max(self.last, min(last, first_open - 1))
        return _Built(last, frozenset(number for number in everything if number > last))

    @property
    def cursor(self) -> str:
        return ":".join([str(self.last), ",".join(map(str, sorted(self.others)))]).rstrip(":")


_Loaded = tuple[int, str, str, float]
"""Number of the batch, dataset, run, seconds since the load has ended."""


def _loaded(
    instance: dg.DagsterInstance, connection: Connection[Any], built: _Built, uploads: list[str]
) -> list[_Loaded]:
    """The loads of runs of `upload` whose models are not built yet. A night builds the models of its loads itself."""
    if not _has_ledger(connection):
        return []
    rows = connection.execute(
        "select batch_id, dataset, run_id, extract(epoch from clock_timestamp() - finished_at)::float8"
        " from ops.load_batch where batch_id > %s and batch_id <> all(%s) and state = 'loaded' and dataset = any(%s)"
        " and finished_at > clock_timestamp() - interval '1 day' order by batch_id",
        [built.last, sorted(built.others), uploads],
    ).fetchall()
    run_ids = sorted({run_id for _, _, run_id, _ in rows if run_id})
    if not run_ids:
        return []
    runs = instance.get_runs(dg.RunsFilter(run_ids=run_ids, job_name=UPLOAD))
    of_uploads = {run.run_id for run in runs}
    return [row for row in rows if row[2] in of_uploads]


def _first_open(connection: Connection[Any], uploads: list[str]) -> int | None:
    """The lowest number of a batch that is still being loaded. A batch older than a day does not count."""
    if not _has_ledger(connection):
        return None
    row = connection.execute(
        "select min(batch_id) from ops.load_batch where state = 'running' and dataset = any(%s)"
        " and started_at > clock_timestamp() - interval '1 day'",
        [uploads],
    ).fetchone()
    return row[0] if row else None


def _has_ledger(connection: Connection[Any]) -> bool:
    known = connection.execute("select to_regclass('ops.load_batch') is not null").fetchone()
    return bool(known and known[0])


def _waits_for(instance: dg.DagsterInstance, loaded: Sequence[_Loaded]) -> str:
    """The reason to wait before models are built; "" if there is none, or LONGEST_S have passed."""
    ages = [age for *_, age in loaded]
    if max(ages) > LONGEST_S:
        return ""
    for job, name in ((UPLOAD, "pemuatan unggahan"), (WAREHOUSE, "pembangunan model")):
        running = instance.get_runs(dg.RunsFilter(job_name=job, statuses=_UNFINISHED))
        if running:
            return f"Menunggu {len(running)} {name} selesai, run {running[0].run_id[:8]} di antaranya."
    if min(ages) < QUIET_S:
        return f"Menunggu {QUIET_S} detik tanpa unggahan lain, agar model dibangun sekali untuk semuanya."
    return ""


def descendants(contract: Contract, project: Project) -> set[str]:
    """The models that read a dataset, directly or through others."""
    readers = project.readers([(contract.opd, contract.dataset)])
    return {n.name for n in project.nodes.values() if n.name in readers | project.descendants(readers)}


def _ancestors(project: Project, names: set[str]) -> set[str]:
    """The models that `names` read, directly or through others, without reference data, which every start builds."""
    read = {ancestor for name in names for ancestor in project.ancestors(name)}
    return {name for name in read if not is_reference(project.nodes[name])}


def _missing(connection: Connection[Any], project: Project) -> set[str]:
    """Models that were never built. Before the first night, those that an upload's models read must be built, too."""
    rows = connection.execute(
        "select name from unnest(%s::text[], %s::text[]) as n (name, relation) where to_regclass(relation) is null",
        [[*project.nodes], [node.relation for node in project.nodes.values()]],
    ).fetchall()
    return {name for (name,) in rows}
