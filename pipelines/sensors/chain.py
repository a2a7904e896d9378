"""Runs the night's chain of jobs: when a link has ended, with success or failure, starts the next one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg
import psycopg
from psycopg import Connection

from pipelines.assets.publication import note_published, publication_tags
from pipelines.assets.warehouse import due_models
from pipelines.contracts.model import Contract
from pipelines.errors import GudangError, ModelError, QualityError
from pipelines.jobs import (
    AFTER,
    NIGHT,
    PUBLICATION,
    REQUESTED,
    WALKED,
    WAREHOUSE,
    chain,
    ingest_jobs,
    scheduled_tags,
    today,
)
from pipelines.models.project.nodes import Project
from pipelines.resources.warehouse import Warehouse
from pipelines.sensors.ended_runs import WILL_RETRY, ended_runs, runs_link
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.jobs import AssetJob

Answer = TypeVar("Answer")


def chain_sensor(
    contracts: Sequence[Contract],
    jobs: Mapping[str, AssetJob],
    project: Project | None,
    settings: Settings,
    files: Mapping[str, str],
    *,
    clock: Callable[[], float] = time.time,
) -> dg.SensorDefinition:
    """Makes the sensor that starts each next link of the chain once, by the end of the link before (ended_runs.py).

    A run of the chain's jobs that somebody started by hand is followed, too. Not followed are: a run of
    `gudang nightly`, which runs the chain itself; a run that loads only what was asked for; a cancelled run, because
    somebody did not want it; a failed run that Dagster will retry, because its retry is followed.

    The link `warehouse` selects only the models that are due. With none, the link after it starts at once. The link
    `publication` is told whether what it would publish is shown already, and its end is noted for the next one.

    project: the SQL models; None if they cannot be read. files: those that the definitions are made of, with the hash
    of each. clock: gives seconds since the epoch.
    """
    following = dict(pairwise(chain(contracts)))
    first = frozenset(ingest_jobs(contracts))

    @dg.sensor(
        name="rangkaian_malam",
        jobs=[jobs[after] for after in following.values()],
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Memulai mata rantai berikutnya ({' → '.join(chain(contracts))}) setelah yang sebelumnya berakhir,"
        f" berhasil atau gagal. Semua run satu malam bertag {NIGHT}; klik tag itu pada sebuah run untuk melihat"
        " semuanya.",
    )
    def start_next(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.SensorResult:
        ended = ended_runs(context.instance, context.cursor, {*following, PUBLICATION}, clock())
        published = _Published(context, warehouse, project, settings, files)
        requests: list[dg.RunRequest] = []
        lines: list[str] = []
        for record in ended.records:
            run = record.dagster_run
            if run.job_name == PUBLICATION:
                published.note(run)
                continue
            reason = _not_followed(run) or _followed_already(context, run)
            if reason:
                lines.append(f"{run.job_name}, run {run.run_id[:8]}: {reason}.")
                continue
            after, selection = following[run.job_name], None
            tags = scheduled_tags(contracts, after, today())
            if after == WAREHOUSE and project:
                selection = _due(context, project, warehouse, tags)
                if selection == []:
                    lines.append("Tidak ada model yang perlu dibangun.")
                    after, selection, tags = following[after], None, {}
            if after == PUBLICATION:
                tags = {**tags, **published.tags()}
            requests.append(
                dg.RunRequest(
                    run_key=f"{after}:{run.run_id}",
                    job_name=after,
                    asset_selection=selection,
                    asset_check_keys=None if selection is None else [],
                    tags={AFTER: run.run_id, **_night(context, run, after, first), **tags},
                )
            )
        none = "Tidak ada mata rantai yang baru berakhir."
        return dg.SensorResult(
            run_requests=requests or None,
            skip_reason=None if requests else "\n".join(lines) or none,
            cursor=ended.cursor,
        )

    return start_next


@dataclass(frozen=True)
class _Published:
    """What a tick asks of publications. Where the warehouse does not answer, the run publishes."""

    context: dg.SensorEvaluationContext
    warehouse: Warehouse
    project: Project | None
    settings: Settings
    files: Mapping[str, str]

    def tags(self) -> dict[str, str]:
        """The tags of a run of `publication` that starts now."""
        return self._ask(publication_tags) or {}

    def note(self, run: dg.DagsterRun) -> None:
        """Notes what a run of `publication` has published. `gudang nightly` notes its own."""
        if run.status is dg.DagsterRunStatus.SUCCESS and WALKED not in run.tags:
            self._ask(partial(note_published, run=run))

    def _ask(
        self, question: Callable[[Connection[Any], Project, Mapping[str, str], Settings], Answer]
    ) -> Answer | None:
        if self.project is None:
            return None
        try:
            with self.warehouse.connect() as connection:
                return question(connection, self.project, self.files, self.settings)
        except (GudangError, psycopg.Error) as error:
            self.context.log.warning(f"Terbitan tidak dibandingkan: {type(error).__name__}")
            return None


def _not_followed(run: dg.DagsterRun) -> str:
    """Why the chain does not go on after this run; "" if it does."""
    if WALKED in run.tags:
        return "dijalankan `gudang` sendiri, yang juga menjalankan lanjutannya"
    if REQUESTED in run.tags:
        return "memuat hanya yang diminta; turunannya dibangun sensor turunan_pemuatan"
    if run.status is dg.DagsterRunStatus.CANCELED:
        return "dibatalkan, jadi rangkaiannya berhenti"
    if run.tags.get(WILL_RETRY) == "true":
        return "akan diulang Dagster; ulangannya yang dilanjutkan"
    return ""


def _followed_already(context: dg.SensorEvaluationContext, run: dg.DagsterRun) -> str:
    """On a first tick without a cursor, as after an update: which run follows already; "" if none does."""
    if context.cursor:
        return ""
    runs = context.instance.get_runs(dg.RunsFilter(tags={AFTER: run.run_id}), limit=1)
    return f"sudah dilanjutkan run {runs[0].run_id[:8]}" if runs else ""


def _due(
    context: dg.SensorEvaluationContext, project: Project, warehouse: Warehouse, tags: Mapping[str, str]
) -> list[dg.AssetKey] | None:
    """The models that a run with these tags would build; None, which means all, if the warehouse does not answer.

    Raises ModelError if a model's file cannot be read. The tick then fails, and is tried again until it can.
    """
    try:
        with warehouse.connect() as connection:
            return due_models(project, connection, tags)
    except (ModelError, QualityError):
        raise
    except (GudangError, psycopg.Error) as error:
        context.log.warning(f"Semua model dipilih, karena gudang data tidak menjawab: {type(error).__name__}")
        return None


def _night(
    context: dg.SensorEvaluationContext, run: dg.DagsterRun, after: str, first: frozenset[str]
) -> dict[str, str]:
    """The tag with the night of `run`. If a chain was started by hand, its first run gets the tag now."""
    night = run.tags.get(NIGHT)
    if night is None and run.job_name in first:
        night = run.run_id
        context.instance.add_run_tags(run.run_id, {NIGHT: night})
    if not night:
        return {}
    context.log.info(f"Malam {night}: {after}; semua run-nya di {runs_link(NIGHT, night)}")
    return {NIGHT: night}
