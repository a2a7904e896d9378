"""Starts one run of the models that read what was loaded outside of a night, however many datasets were loaded.

Outside of a night are uploads, backfills, assets materialized by hand, re-executions, requested loads, and the loads of
a night that was cancelled or whose chain broke. Not here: the night's own chain (chain.py).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
from psycopg import Connection
from psycopg.rows import class_row

from pipelines.assets.warehouse import due_models, is_reference, model_key
from pipelines.contracts.model import Contract
from pipelines.errors import GudangError, ModelError, QualityError
from pipelines.jobs import (
    AFTER,
    NIGHT,
    PUBLICATION,
    RANGE_END,
    RANGE_START,
    REQUESTED,
    UPLOAD_JOBS,
    WAREHOUSE,
    ingest_jobs,
)
from pipelines.models.project.nodes import Project
from pipelines.resources.warehouse import Warehouse
from pipelines.sensors.ended_runs import OLDEST_S, OVERLAP_S
from pipelines.sensors.uploads import REMOTE_LOOK_S

QUIET_S = 2
"""Seconds without another load before models are built, besides the interval of the upload sensor. So models are built
once for files that arrive together."""
LONGEST_S = 600
"""The most seconds that a load waits for further loads before its models are built, and that the sensor waits for the
next link of a night whose last run has ended."""
_BACKFILL = "dagster/backfill"
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""The states of a run that has not ended."""


def descendants_sensor(
    contracts: Sequence[Contract],
    project: Project,
    *,
    look: float = REMOTE_LOOK_S,
    clock: Callable[[], float] = time.time,
) -> dg.SensorDefinition:
    """The sensor that builds the models of datasets loaded since the last time, by the ledger; see `_Dealt`.

    A load that changed no row starts nothing: the ledger calls it `unchanged`. Publication follows as after every run
    of the models (chain.py).

    look: the seconds between two looks at the upload zone. clock: gives seconds since the epoch.
    """
    models = {c.key: descendants(c, project) for c in contracts}
    by_key = {c.key: c for c in contracts}
    nights = frozenset(ingest_jobs(contracts))

    @dg.sensor(
        name="turunan_pemuatan",
        job_name=WAREHOUSE,
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Membangun model yang memakai dataset yang dimuat di luar rangkaian malam (unggahan, pengisian"
        " ulang, materialize, permintaan), sekali untuk semuanya.",
    )
    def build_descendants(
        context: dg.SensorEvaluationContext, warehouse: Warehouse
    ) -> dg.SensorResult | dg.SkipReason:
        dealt = _Dealt.read(context.cursor)
        now = clock()
        try:
            with warehouse.connect() as connection:
                recent = _recent(connection, dealt, [*models], now)
                loaded, waiting = _outside_of_nights(context.instance, recent, nights, now)
                reason = _waits_for(context.instance, loaded, look + QUIET_S) if loaded else _nothing(waiting)
                if reason:
                    return dg.SensorResult(
                        skip_reason=reason, cursor=dealt.also(recent, [*loaded, *waiting]).cursor
                    )
                datasets = sorted({load.dataset for load in loaded})
                days = _range(loaded, by_key)
                due = {key.path[-1] for key in due_models(project, connection, days)}
                old = due & {name for dataset in datasets for name in models[dataset]}
                missing = _missing(connection, project) if old else set[str]()
        except (ModelError, QualityError):
            raise  # a file has a fault: the tick fails, and the loads wait for the next one
        except GudangError as error:
            return dg.SkipReason(str(error))
        cursor = dealt.also(recent, waiting).cursor
        if not old:
            reason = f"Tidak ada model yang perlu dibangun dari {', '.join(datasets)}."
            return dg.SensorResult(skip_reason=reason, cursor=cursor)
        selected = old | (_ancestors(project, old) & missing)
        context.log.info(f"Membangun model dari {', '.join(datasets)}")
        request = dg.RunRequest(
            run_key=f"load:{max((load.finished, load.batch_id) for load in loaded)}",
            asset_selection=sorted(model_key(project.nodes[name]) for name in selected),
            tags={AFTER: ",".join(sorted({load.run_id for load in loaded})), **days},
        )
        return dg.SensorResult(run_requests=[request], cursor=cursor)

    return build_descendants


def _nothing(waiting: Sequence[_Load]) -> str:
    if waiting:
        return f"{len(waiting)} pemuatan menunggu rangkaian malamnya."
    return "Tidak ada yang baru dimuat di luar rangkaian malam."


@dataclass(frozen=True, slots=True)
class _Dealt:
    """The loads with whose models the sensor has dealt, by the time of their end.

    until: no load that ended more than OVERLAP_S before it is open. loads: those that ended later and are dealt with. A
    load that a reconciliation writes again ends again, and so is another one. Times are seconds since the epoch.
    """

    until: float = 0.0
    loads: frozenset[tuple[int, float]] = frozenset()

    @classmethod
    def read(cls, cursor: str | None) -> _Dealt:
        if not cursor or not cursor.startswith("{"):  # that of an earlier version is a number
            return cls()
        known = json.loads(cursor)
        return cls(known["sampai"], frozenset((number, end) for number, end in known["pemuatan"]))

    def also(self, recent: Sequence[_Load], held: Sequence[_Load]) -> _Dealt:
        """With the recent loads that are not held."""
        open_ = {load.key for load in held}
        until = max([self.until, *(load.finished for load in recent)])
        until = max(self.until, min([until, *(load.finished for load in held)]))
        loads = self.loads | {load.key for load in recent if load.key not in open_}
        return _Dealt(until, frozenset(key for key in loads if key[1] > until - OVERLAP_S))

    @property
    def cursor(self) -> str:
        return json.dumps({"sampai": self.until, "pemuatan": sorted(self.loads)})


@dataclass(frozen=True, slots=True)
class _Load:
    """A load that changed rows. The days are those of its window, or from the first to the last period of an upload.

    finished: its end in seconds since the epoch. age: seconds since then.
    """

    batch_id: int
    dataset: str
    run_id: str
    window_start: date | None
    window_end: date | None
    full_refresh: bool
    loaded_on: date
    finished: float
    age: float

    @property
    def key(self) -> tuple[int, float]:
        return self.batch_id, self.finished


def _recent(connection: Connection[Any], dealt: _Dealt, datasets: list[str], now: float) -> list[_Load]:
    """The loads of the last day whose models the sensor has not dealt with. Earlier ones are left to the night."""
    if not _has_ledger(connection):
        return []
    with connection.cursor(row_factory=class_row(_Load)) as cursor:
        since = max(min(dealt.until, now) - OVERLAP_S, now - OLDEST_S)
        loads = cursor.execute(
            # A load that was approved came after its run, and no night of that run builds its models.
            "select batch_id, dataset, case when exists (select from ops.load_decision d where d.batch_id = b.batch_id"
            " and d.done_at is not null and d.error is null) then '' else coalesce(run_id, '') end as run_id,"
            " full_refresh,"
            " coalesce((select min(lower(days)) from ops.load_period p where p.batch_id = b.batch_id), window_start)"
            " as window_start,"
            " coalesce((select max(upper(days)) - 1 from ops.load_period p where p.batch_id = b.batch_id), window_end)"
            " as window_end,"
            " finished_at::date as loaded_on, extract(epoch from finished_at)::float8 as finished,"
            " extract(epoch from clock_timestamp() - finished_at)::float8 as age"
            " from ops.load_batch b where finished_at > to_timestamp(%s) and state = 'loaded'"
            " and dataset = any(%s) order by batch_id",
            [since, datasets],
        ).fetchall()
    return [load for load in loads if load.key not in dealt.loads]


def _outside_of_nights(
    instance: dg.DagsterInstance, loads: Sequence[_Load], nights: frozenset[str], now: float
) -> tuple[list[_Load], list[_Load]]:
    """The loads whose models nothing else builds, and those of which a night may still do it."""
    run_ids = sorted({load.run_id for load in loads})
    records = instance.get_run_records(dg.RunsFilter(run_ids=run_ids)) if run_ids else []
    state = {r.dagster_run.run_id: _state_of_night(instance, r, nights, now) for r in records}
    # A run that somebody deleted in the UI has no record, and nothing follows it.
    loose = [load for load in loads if state.get(load.run_id, "outside") == "outside"]
    return loose, [load for load in loads if state.get(load.run_id) == "waits"]


def _state_of_night(
    instance: dg.DagsterInstance, record: dg.RunRecord, nights: frozenset[str], now: float
) -> str:
    """Whether the night of a run builds the models of its loads: `built`, `waits` (it may), or `outside` (it will not).

    The link `warehouse` builds them if it was created after the run had started, and succeeds. Without a model to
    build, `publication` follows the run of an ingest at once. A run that was executed again has the tags of the first
    one, so the night may have an earlier `warehouse`, which did not see these loads.
    """
    run = record.dagster_run
    if run.job_name not in nights or REQUESTED in run.tags:
        return "outside"
    started = record.start_time or record.create_timestamp.timestamp()
    same = instance.get_run_records(dg.RunsFilter(tags={NIGHT: run.tags.get(NIGHT, run.run_id)}))
    links = [r for r in same if r.create_timestamp.timestamp() >= started]
    ingests = {r.dagster_run.run_id for r in (record, *links) if r.dagster_run.job_name in nights}
    if any(_is_built_by(r.dagster_run, ingests) for r in links):
        return "built"
    if _is_cancelled(record):
        return "outside"
    if any(not r.dagster_run.is_finished for r in (record, *links)):
        return "waits"
    ended = max(r.end_time or 0.0 for r in (record, *links))
    return "waits" if now - ended < LONGEST_S else "outside"


def _is_built_by(link: dg.DagsterRun, ingests: Set[str]) -> bool:
    """Whether a link of a night has built the models of its ingests, or shows that none had to be built."""
    if link.job_name == WAREHOUSE:
        return link.is_success
    return link.job_name == PUBLICATION and link.tags.get(AFTER) in ingests


def _is_cancelled(record: dg.RunRecord) -> bool:
    return record.dagster_run.status is dg.DagsterRunStatus.CANCELED


def _has_ledger(connection: Connection[Any]) -> bool:
    known = connection.execute("select to_regclass('ops.load_batch') is not null").fetchone()
    return bool(known and known[0])


def _waits_for(instance: dg.DagsterInstance, loads: Sequence[_Load], quiet: float) -> str:
    """The reason to wait before models are built; "" if there is none, or LONGEST_S have passed."""
    ages = [load.age for load in loads]
    if max(ages) > LONGEST_S:
        return ""
    building = instance.get_runs(dg.RunsFilter(job_name=WAREHOUSE, statuses=UNFINISHED))
    for what, running in (("pemuatan", _runs_that_load(instance, loads)), ("pembangunan model", building)):
        if running:
            return f"Menunggu {len(running)} {what} selesai, run {running[0].run_id[:8]} di antaranya."
    if min(ages) < quiet:
        return f"Menunggu {quiet:.0f} detik tanpa pemuatan lain, agar model dibangun sekali untuk semuanya."
    return ""


def _runs_that_load(instance: dg.DagsterInstance, loads: Sequence[_Load]) -> list[dg.DagsterRun]:
    """The unfinished runs of uploads, of the loads' own runs, and of the backfills and requests that these are of."""
    unfinished = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    own = {load.run_id for load in loads}
    groups = {
        (tag, run.tags[tag])
        for run in instance.get_runs(dg.RunsFilter(run_ids=sorted(own)))
        for tag in (_BACKFILL, REQUESTED)
        if tag in run.tags
    }
    return [
        run
        for run in unfinished
        if run.job_name in UPLOAD_JOBS.values()
        or run.run_id in own
        or any(run.tags.get(tag) == value for tag, value in groups)
    ]


def _range(loads: Sequence[_Load], contracts: Mapping[str, Contract]) -> dict[str, str]:
    """The tags with the days that incremental models build again; none if no dataset with windows was loaded.

    A model finds by itself the days of rows that came, but not a day of which every row is gone. A full refresh may
    have changed every day from the contract's start on.
    """
    days: list[date] = []
    for load in loads:
        partition = contracts[load.dataset].partition
        if partition is None:
            continue
        if load.full_refresh:
            days += [partition.start, load.loaded_on]
        elif load.window_start and load.window_end:
            days += [load.window_start, load.window_end]
    return {RANGE_START: min(days).isoformat(), RANGE_END: max(days).isoformat()} if days else {}


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
