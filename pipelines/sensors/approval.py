"""Decisions about waiting loads under the daemon: the job `setujui_kiriman`, and the sensor for the upload page.

The upload page only writes down what a walidata decided, because Dagster alone changes raw. The sensor starts the job
for it, and shows on the asset's page what `gudang approve` has done. Not here: what a decision does (load/approval/),
the models of what was approved (descendants.py).
"""

import time
from collections.abc import Mapping
from typing import Any

import dagster as dg

# The name of the tag is not exported.
from dagster._core.storage.tags import USER_TAG
from psycopg import Connection

from pipelines.assets.naming import raw_key
from pipelines.assets.run_partitions import period_events
from pipelines.contracts import windows
from pipelines.contracts.windows import Window
from pipelines.datasets import Datasets
from pipelines.errors import GudangError
from pipelines.ingest import describe_batch
from pipelines.load.apply.periods import loaded_by
from pipelines.load.approval.decide import APPROVED, REJECTED, WORDS, Decision, decide, open_decisions
from pipelines.load.ledger import raw_versions
from pipelines.resources.warehouse import Warehouse
from pipelines.runs.causes import StepError
from pipelines.runs.launcher import with_lease
from pipelines.warehouse.relation import Relation

APPROVE = "setujui_kiriman"
SENSOR = "keputusan_kiriman"
DECISION_TAG = "gudang/putusan"
"""The tag of a run with the number of the decision of the upload page that it carries out."""
RETRY_S = 300
"""Seconds after a run that ended without carrying its decision out, before the next one starts for it."""
MOST_SHOWN = 50
"""Decisions of `gudang approve` that one tick shows."""
_FIELDS = {
    "kiriman": dg.Field(
        int, default_value=0, is_required=False, description="Nomor kiriman yang menunggu, misalnya 121."
    ),
    "tolak_karena": dg.Field(
        str,
        default_value="",
        is_required=False,
        description="Kosong: kiriman disetujui. Terisi: kiriman ditolak, dan OPD membaca alasan ini.",
    ),
    "oleh": dg.Field(
        str,
        default_value="",
        is_required=False,
        description="Siapa yang memutuskan, bila Dagster tidak mengetahui siapa yang masuk.",
    ),
    "putusan_loket": dg.Field(
        int,
        default_value=0,
        is_required=False,
        description="Diisi sensor: nomor putusan yang ditulis di loket.",
    ),
}
_DESCRIPTION = (
    "Menyetujui kiriman yang menunggu persetujuan (approval: required di kontraknya), atau menolaknya dengan alasan."
    " Yang diterapkan persis baris yang sudah diperiksa; turunannya dibangun sesudahnya."
)


def approval_job(datasets: Datasets) -> dg.JobDefinition:
    """The job that carries out one decision."""

    @dg.op(name="putuskan_kiriman", config_schema=_FIELDS, out=dg.Out(dg.Nothing))
    def carry_out(context: dg.OpExecutionContext, warehouse: Warehouse) -> None:
        try:
            with warehouse.connect() as connection:
                decision = _asked(connection, context.op_config, context.run.tags)
                if decision is None:
                    context.log.info("Putusan ini sudah dijalankan.")
                    return
                done = decide(connection, datasets.contracts, decision)
                what = done.done_before or f"{WORDS[decision.decision]} oleh {decision.by}"
                context.log.info(f"{decision.subject}: {what}; {describe_batch(done.batch)}")
                if decision.decision == APPROVED and not done.done_before:
                    for event in _materializations(connection, datasets, decision.batch_id):
                        context.log_event(event)
        except GudangError as error:
            raise StepError(str(error)) from None

    @dg.config_mapping(config_schema=_FIELDS)
    def at_the_top(config: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"ops": {"putuskan_kiriman": {"config": config}}}

    @dg.job(
        name=APPROVE,
        description=_DESCRIPTION,
        config=at_the_top,
        executor_def=with_lease(dg.in_process_executor),
    )
    def job() -> None:
        carry_out()

    return job


def _asked(
    connection: Connection[Any], config: Mapping[str, Any], tags: Mapping[str, str]
) -> Decision | None:
    """The decision that the run's config asks for; None for one of the upload page that is carried out already.

    Who logged in counts more than what somebody wrote.
    """
    if number := config["putusan_loket"]:
        return next((d for d in open_decisions(connection) if d.number == number), None)
    reason = config["tolak_karena"]
    by = tags.get(USER_TAG) or config["oleh"]
    return Decision(config["kiriman"], REJECTED if reason else APPROVED, by, "dagster", reason)


def approval_sensor(datasets: Datasets, *, retry_wait: float = RETRY_S) -> dg.SensorDefinition:
    """The sensor that starts the job for decisions of the upload page, and shows those of `gudang approve`.

    retry_wait: seconds before another run for a decision that a run has left open, because it was killed or cancelled.
    """

    @dg.sensor(
        name=SENSOR,
        job_name=APPROVE,
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Menjalankan putusan walidata di loket atas kiriman yang menunggu persetujuan.",
    )
    def look(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult | dg.SkipReason:
        if not any(c.approval for c in datasets.contracts):
            return dg.SkipReason("Tidak ada kontrak dengan approval: required.")
        try:
            with warehouse.connect() as connection:
                asked = [d for d in open_decisions(connection) if d.number is not None]
                shown, cursor = _of_commands(connection, datasets, context.cursor)
        except GudangError as error:
            return dg.SkipReason(str(error))
        found = (_request(context.instance, d, retry_wait) for d in asked)
        requests = [request for request in found if request]
        return dg.SensorResult(
            run_requests=requests or None,
            skip_reason=None if requests else "Tidak ada putusan baru.",
            cursor=cursor,
            asset_events=shown,
        )

    return look


def _request(instance: dg.DagsterInstance, decision: Decision, retry_wait: float) -> dg.RunRequest | None:
    """A run for a decision of the upload page; None while one runs, or has ended a moment ago."""
    number = str(decision.number)
    runs = instance.get_run_records(dg.RunsFilter(job_name=APPROVE, tags={DECISION_TAG: number}), limit=1)
    last = runs[0] if runs else None
    if last and (not last.dagster_run.is_finished or time.time() - (last.end_time or 0.0) < retry_wait):
        return None
    return dg.RunRequest(
        # Dagster skips a request for a run whose key it has seen before.
        run_key=f"putusan:{number}" + (f":{last.dagster_run.run_id}" if last else ""),
        run_config={"putusan_loket": decision.number},
        tags={DECISION_TAG: number},
    )


def _of_commands(
    connection: Connection[Any], datasets: Datasets, cursor: str | None
) -> tuple[list[dg.AssetMaterialization], str]:
    """The approvals of `gudang approve` since the cursor, as events, and the next cursor."""
    rows = connection.execute(
        "select decision_id, batch_id from ops.load_decision where via = 'cli' and decision = %s"
        " and done_at is not null and error is null and decision_id > %s"
        " and done_at > clock_timestamp() - interval '1 day' order by decision_id limit %s",
        [APPROVED, int(cursor or 0), MOST_SHOWN],
    ).fetchall()
    known = {c.key for c in datasets.contracts}
    events = [
        event
        for _, batch_id in rows
        if _dataset(connection, batch_id) in known
        for event in _materializations(connection, datasets, batch_id)
    ]
    return events, str(rows[-1][0] if rows else cursor or 0)


def _dataset(connection: Connection[Any], batch_id: int) -> str | None:
    row = connection.execute("select dataset from ops.load_batch where batch_id = %s", [batch_id]).fetchone()
    return row[0] if row else None


def _materializations(
    connection: Connection[Any], datasets: Datasets, batch_id: int
) -> list[dg.AssetMaterialization]:
    """Says on the asset's page what an approval has changed, and by whom: of windows, on the page of each.

    Files that replace periods are shown as their loads are: one event of the whole, and one for each period.
    """
    row = connection.execute(
        "select b.dataset, b.rows_loaded, b.rows_new, b.rows_unchanged, b.rows_deleted, b.rows_in_raw, d.decided_by,"
        " b.window_start, b.window_end"
        " from ops.load_batch b join ops.load_decision d using (batch_id)"
        " where b.batch_id = %s and d.decision = %s and d.done_at is not null and d.error is null"
        " order by d.decision_id limit 1",
        [batch_id, APPROVED],
    ).fetchone()
    assert row is not None
    dataset, loaded, new, unchanged, deleted, in_raw, by, first, last = row
    contract = next(c for c in datasets.contracts if c.key == dataset)
    version = raw_versions(connection, {dataset: str(Relation("raw", contract.table))})[dataset].version
    of_windows: list[str | None] = [None]
    if contract.windows and first and last:
        of_windows = [*windows.keys(contract.windows.every, Window(first, last))]
    whole = dg.AssetMaterialization(
        raw_key(contract),
        description=f"Kiriman {batch_id} disetujui oleh {by}.",
        metadata={
            "disetujui_oleh": by,
            "kiriman": batch_id,
            "baris_dimuat": loaded,
            "baris_baru": new,
            "baris_berubah": loaded - new,
            "baris_sama": unchanged,
            "baris_dihapus": deleted,
            **({"dagster/row_count": in_raw} if in_raw is not None else {}),
        },
        tags={"dagster/data_version": version} if version else None,
    )
    periods = loaded_by(connection, contract, batch_id=batch_id)
    return [*(whole._replace(partition=name) for name in of_windows), *period_events(contract, periods)]
