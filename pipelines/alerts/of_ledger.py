"""Finds problems in the ledger: datasets that failed or are late, drift, quarantine, models, checks of open marts.

What belongs here: queries on schema ops. No query reads a cell, a check's message or a quarantined row: of those only
names and counts leave. Not here: what the ledger does not know (of_dagster.py, urgent.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from pipelines.alerts.problem import (
    CHECK,
    DRIFT,
    FAILED,
    LATE,
    MART_BLOCKED,
    MODEL,
    QUARANTINE,
    REFUSED,
    UNDECIDED,
    Problem,
)
from pipelines.datasets import Datasets
from pipelines.health import checks
from pipelines.load.approval.waiting import LATE_HOURS, Waiting, waiting_loads
from pipelines.publication.indonesian import day, moment, number, rule
from pipelines.publication.publication_log import REPORT, SHOWN
from pipelines.warehouse.roles import MARTS

MODEL_DAYS = 3
"""A model that failed and was not built for so many days does not exist any more, or nobody wants it."""
CHECK_DAYS = 35
"""The same of the checks of a mart's newest build, which may be a month old: without new inputs it is not built."""
_STATES = {"failed": "gagal", "rejected": "ditolak pemeriksaan", "died": "terputus"}
_DRIFT = {
    "added": "kolom baru {}",
    "vanished": "kolom {} hilang",
    "retyped": "tipe kolom {} berubah",
    "refused": "kolom {} ditolak",
}
_FAILED = """
select * from (
    select distinct on (dataset) dataset, state, error, code, batch_id, run_id from ops.load_batch
    where state <> 'running' and dataset = any(%s)
    order by dataset, ops.applied_at(state, finished_at) desc, batch_id desc
) as last where state in ('failed', 'rejected', 'died') order by dataset
"""
_LATE = """
select c.dataset, s.arrived_at, c.frequency_days * interval '1 day' + coalesce(c.latency_hours, 0) * interval '1 hour'
    as allowed
from ops.contract c left join ops.dataset_state s on s.dataset = c.dataset
where c.dataset = any(%s) and c.frequency_days is not null and (s.arrived_at is null or s.arrived_at
    < %s - c.frequency_days * interval '1 day' - coalesce(c.latency_hours, 0) * interval '1 hour')
order by c.dataset
"""
_QUARANTINE = """
with fresh as (
    select q.dataset, q.entry_id, q.reasons from quarantine.row q
    where q.state = 'open' and q.created_at > %(since)s and q.created_at <= %(until)s and q.dataset = any(%(keys)s)
),
counted as (
    select f.dataset, r.reason ->> 'kolom' as column_name, r.reason ->> 'aturan' as rule, count(*) as n
    from fresh f cross join lateral jsonb_array_elements(f.reasons) as r (reason) group by 1, 2, 3
)
select f.dataset, count(*) as fresh, max(f.entry_id) as last,
    (select count(*) from quarantine.row q where q.dataset = f.dataset and q.state = 'open') as waiting,
    (select array_agg(array[coalesce(c.column_name, '-'), coalesce(c.rule, '-'), c.n::text]
        order by c.n desc, c.column_name, c.rule) from counted c where c.dataset = f.dataset) as reasons
from fresh f group by f.dataset order by f.dataset
"""
_MODELS = """
select * from (
    select distinct on (model) model, state, error, run_id, at from ops.model_run
    where at > %s - make_interval(days => %s) order by model, at desc
) as last where state in ('failed', 'tests_failed') order by model
"""
_PUBLISHED_CHECKS = """
with published as (
    select mart from (
        select distinct on (mart, path) mart, event from ops.publication_log order by mart, path, at desc
    ) as last where event = %(shown)s and mart <> %(report)s group by mart
),
build as (
    select a.asset, b.run_id from published p cross join unnest(%(marts)s::text[]) as s (schema)
    cross join lateral (select s.schema || '/' || p.mart as asset) as a
    cross join lateral (
        select c.run_id from ops.check_result c
        where c.asset = a.asset and c.at > %(until)s - make_interval(days => %(days)s) order by c.at desc limit 1
    ) as b
),
last as (
    select distinct on (c.asset, c.check_name) c.asset, c.check_name, c.severity, c.passed, c.unexpected, c.total,
        c.run_id, c.at
    from build b cross join lateral (
        select * from ops.check_result r where r.asset = b.asset and r.run_id is not distinct from b.run_id
            and r.at > %(until)s - make_interval(days => %(days)s)
    ) as c
    order by c.asset, c.check_name, c.at desc
)
select asset, max(run_id) as run_id, max(at) as at,
    array_agg(array[check_name, unexpected::text, total::text] order by check_name) as checks
from last where not passed and severity = %(severity)s group by asset order by asset
"""
_NAMED = 5
"""How many checks or reasons are named; the others are counted."""


def dataset_problems(
    connection: Connection[Any], datasets: Datasets, since: datetime, until: datetime
) -> list[Problem]:
    """The problems of datasets: those of now, and drift and quarantine since the last digest."""
    keys = [*(c.key for c in datasets.contracts), *(s.key for s in datasets.set_aside)]
    failed = {p.subject: p for p in _failed(connection, keys)}
    for dataset in datasets.set_aside:
        faults = "; ".join(dataset.describe())
        failed[dataset.key] = Problem(
            FAILED, dataset.key, f"disisihkan, kontraknya salah: {faults}", faults, dataset=dataset.key
        )
    waiting = waiting_loads(connection, keys)
    # What has come and waits for approval is late by us, and not by the OPD.
    ours = {load.dataset for load in waiting}
    late = [p for p in _late(connection, keys, until) if p.subject not in {*failed, *ours}]
    return [
        *failed.values(),
        *late,
        *_undecided(waiting, until),
        *_drift(connection, keys, since, until),
        *_quarantine(connection, keys, since, until),
    ]


def waiting_in_quarantine(connection: Connection[Any], keys: Sequence[str]) -> dict[str, int]:
    """By dataset, the number of rows that wait in quarantine."""
    return dict(
        connection.execute(
            "select dataset, count(*) from quarantine.row where state = 'open' and dataset = any(%s) group by dataset",
            [list(keys)],
        ).fetchall()
    )


def model_problems(connection: Connection[Any], until: datetime) -> list[Problem]:
    """Models whose last build or test failed. Those that were skipped because of them are not named."""
    return [
        Problem(MODEL, row["model"], row["error"] or row["state"], str(row["at"]), row["run_id"])
        for row in _rows(connection, _MODELS, [until, MODEL_DAYS])
    ]


def check_warnings(connection: Connection[Any], until: datetime) -> list[Problem]:
    """Published marts with checks that warn."""
    return _checks(connection, CHECK, "warn", until)


def blocked_marts(connection: Connection[Any], until: datetime) -> list[Problem]:
    """Published marts with a check that blocks: readers keep the rows of before."""
    return _checks(connection, MART_BLOCKED, "error", until)


def refused_recipients(connection: Connection[Any]) -> list[Problem]:
    """Who gets no mail, because the server refuses the address for good. The address itself is not named."""
    where = {"walidata": "GUDANG_ALERT_MAIL_TO"}
    return [
        Problem(
            REFUSED,
            audience,
            f"{channel}, {number(count)} alamat: {error}; perbaiki {where.get(audience, 'support[] di kontraknya')}",
            str(newest),
        )
        for channel, audience, error, count, newest in checks.refused_recipients(connection)
    ]


def _failed(connection: Connection[Any], keys: Sequence[str]) -> list[Problem]:
    return [
        Problem(
            FAILED,
            row["dataset"],
            _cause(row),
            str(row["batch_id"]),
            row["run_id"],
            row["dataset"],
        )
        for row in _rows(connection, _FAILED, [list(keys)])
    ]


def _cause(row: Mapping[str, Any]) -> str:
    """Why a load failed. Of one that a person rejected, the error says it all."""
    error = (row["error"] or "tanpa keterangan").removeprefix(row["dataset"] + ": ")
    return error if row["code"] == "GDK-M013" else f"{_STATES[row['state']]}: {error}"


def _late(connection: Connection[Any], keys: Sequence[str], until: datetime) -> list[Problem]:
    found: list[Problem] = []
    for row in _rows(connection, _LATE, [list(keys), until]):
        if row["arrived_at"] is None:
            message = "belum pernah datang"
        else:
            due = row["arrived_at"] + row["allowed"]
            message = (
                f"data terakhir {moment(row['arrived_at'])}; yang baru dijanjikan paling lambat {moment(due)}"
            )
        found.append(Problem(LATE, row["dataset"], message, day(until), dataset=row["dataset"]))
    return found


def _undecided(waiting: Sequence[Waiting], until: datetime) -> list[Problem]:
    """The datasets of which a load has waited for approval for more than LATE_HOURS, by their longest waiting one."""
    longest: dict[str, Waiting] = {}
    for load in sorted(waiting, key=lambda w: w.waiting_since):
        longest.setdefault(load.dataset, load)
    return [
        Problem(
            UNDECIDED,
            key,
            f"kiriman {load.batch_id} menunggu sejak {moment(load.waiting_since)}; `gudang approve`, atau loket",
            str(load.waiting_since),
        )
        for key, load in longest.items()
        if until - load.waiting_since > timedelta(hours=LATE_HOURS)
    ]


def _drift(
    connection: Connection[Any], keys: Sequence[str], since: datetime, until: datetime
) -> list[Problem]:
    rows = _rows(
        connection,
        "select dataset, array_agg(array[kind, column_name] order by drift_id) as changes, max(drift_id) as last"
        " from ops.schema_drift where at > %s and at <= %s and dataset = any(%s) group by dataset order by dataset",
        [since, until, list(keys)],
    )
    found: list[Problem] = []
    for row in rows:
        changes = _some([_DRIFT[kind].format(name) for kind, name in row["changes"]])
        found.append(Problem(DRIFT, row["dataset"], changes, str(row["last"]), dataset=row["dataset"]))
    return found


def _quarantine(
    connection: Connection[Any], keys: Sequence[str], since: datetime, until: datetime
) -> list[Problem]:
    values = {"since": since, "until": until, "keys": list(keys)}
    found: list[Problem] = []
    for row in _rows(connection, _QUARANTINE, values):
        reasons = [f"{column} ({rule(name)}): {number(int(n))}" for column, name, n in row["reasons"] or []]
        message = f"{number(row['fresh'])} baris baru, {number(row['waiting'])} menunggu; {_some(reasons)}"
        found.append(Problem(QUARANTINE, row["dataset"], message, str(row["last"]), dataset=row["dataset"]))
    return found


def _checks(connection: Connection[Any], kind: str, severity: str, until: datetime) -> list[Problem]:
    values = {
        "shown": SHOWN,
        "report": REPORT,
        "marts": list(MARTS),
        "until": until,
        "days": CHECK_DAYS,
        "severity": severity,
    }
    found: list[Problem] = []
    for row in _rows(connection, _PUBLISHED_CHECKS, values):
        names = [_check(*check) for check in row["checks"]]
        found.append(Problem(kind, row["asset"], _some(names), str(row["at"]), row["run_id"]))
    return found


def _check(name: str, unexpected: str | None, total: str | None) -> str:
    if unexpected is None:
        return name
    of = f" dari {number(int(total))}" if total is not None else ""
    return f"{name} ({number(int(unexpected))}{of} baris menyimpang)"


def _some(parts: Iterable[str]) -> str:
    parts = list(parts)
    more = len(parts) - _NAMED
    return ", ".join(parts[:_NAMED]) + (f", dan {more} lagi" if more > 0 else "")


def _rows(connection: Connection[Any], query: Any, values: Any) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchall()
