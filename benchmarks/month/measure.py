"""Memory of the services, sizes of the tables, times of ticks and files.

What belongs here: what is measured each night and at the end. Not here: what became of the files (account.py), showing
the figures (report.py).
"""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from benchmarks.month.files import Put
from benchmarks.month.memory import sample
from benchmarks.month.server import Server

_SIZES = (
    "select n.nspname || '.' || c.relname, pg_total_relation_size(c.oid) from pg_class c"
    " join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r'"
    " and n.nspname in ('ops', 'quarantine', 'landing', 'public')"
)
COUNTED = {
    "gudang": ("ops.load_batch", "ops.check_result", "ops.model_run", "ops.upload_seen", "quarantine.row"),
    "dagster": ("event_logs", "asset_check_executions", "job_ticks", "runs", "run_tags"),
}
"""Tables whose rows are counted, by database."""


@dataclass(frozen=True, slots=True)
class Night:
    """What was measured after a night.

    at: the clock's time. seconds: machine time of the night and its day. memory: MB by service. alive: processes of
    the installation. sizes: bytes by table. rows: rows by table. log_files, log_bytes: below Dagster's folder.
    """

    number: int
    at: str
    seconds: float
    files: int
    memory: dict[str, float]
    alive: int
    sizes: dict[str, int]
    rows: dict[str, int]
    log_files: int
    log_bytes: int


def measure(server: Server, number: int, seconds: float, files: int) -> Night:
    """Measures after a night."""
    memory = {one.service: one.megabytes for one in sample(server, 0.0)}
    logs: list[int] = []
    for path in (server.home / "dagster" / "storage").rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file():
                logs.append(path.stat().st_size)
    return Night(
        number, server.clock.now().isoformat(timespec="minutes"), seconds, files, memory,
        server.count(),
        {**dict(server.ask(_SIZES)), **dict(server.ask(_SIZES, database="dagster"))},
        {
            table: server.ask(f"select count(*) from {table}", database=database)[0][0]
            for database, tables in COUNTED.items()
            for table in tables
        },
        len(logs), sum(logs),
    )  # fmt: skip


def look_at_pages(server: Server) -> None:
    """Asks the webserver what people's pages ask, so that its memory is that of a used server."""
    with suppress(OSError):
        for _ in range(5):
            server.graphql(
                "{ runsOrError(limit: 50) { ... on Runs { results { runId status tags { key value } stats {"
                " ... on RunStatsSnapshot { startTime endTime } } } } } }"
            )
            server.graphql("{ assetNodes { assetKey { path } opNames description } }")
            server.graphql("{ instance { daemonHealth { allDaemonStatuses { daemonType healthy } } } }")


def tick_seconds(server: Server) -> dict[str, list[float]]:
    """Seconds of machine time of each tick, by `sensor NAME` or `schedule NAME`, in their order.

    A schedule's tick counts from the moment for which it was due, and Dagster looks at schedules once a minute.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for kind, body in server.ask("select type, tick_body from job_ticks order by id", database="dagster"):
        tick: dict[str, Any] = json.loads(body)
        if tick.get("end_timestamp"):
            took = server.clock.machine_time(tick["end_timestamp"]) - server.clock.machine_time(
                tick["timestamp"]
            )
            found[f"{kind.lower()} {_name(tick)}"].append(took)
    return found


def _name(tick: dict[str, Any]) -> str:
    return str(tick.get("instigator_name") or tick.get("job_name"))


def failed_ticks(server: Server) -> list[tuple[str, str, int]]:
    """Sensor or schedule, the first line of the error, and how often."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    rows = server.ask("select tick_body from job_ticks where status = 'FAILURE'", database="dagster")
    for (body,) in rows:
        tick: dict[str, Any] = json.loads(body)
        error = (tick.get("error") or {}).get("message", "")
        found[_name(tick), error.strip().split("\n")[0][:160]] += 1
    return sorted((name, error, n) for (name, error), n in found.items())


def run_states(server: Server) -> dict[str, dict[str, int]]:
    """How many runs of each job ended in each state."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for job, state, count in server.ask(
        "select pipeline_name, status, count(*) from runs group by 1, 2 order by 1, 2", database="dagster"
    ):
        found[job][state] = count
    return found


def file_seconds(server: Server, puts: Sequence[Put]) -> dict[str, list[float]]:
    """Machine seconds from the arrival of files until they were seen, until they were in raw, and of their loads."""
    seen = {
        (dataset, name, sha): at
        for dataset, name, sha, at in server.ask(
            "select dataset, name, sha256, min(seen_at) from ops.upload_seen group by 1, 2, 3"
        )
    }
    loaded = {
        (dataset, sha): (at, own)
        for dataset, sha, at, own in server.ask(
            "select dataset, split_part(source_fingerprint, ':', 1), min(finished_at),"
            " min(extract(epoch from finished_at - started_at)::float8) from ops.load_batch"
            " where state = 'loaded' and source_fingerprint is not null group by 1, 2"
        )
    }
    result: dict[str, list[float]] = {"until_seen": [], "until_loaded": [], "load": []}
    for put in puts:
        if put.kind == "same_bytes":
            continue
        if at := seen.get((put.dataset, put.name, put.sha256)):
            result["until_seen"].append(server.clock.machine_time(at) - put.at)
        if found := loaded.get((put.dataset, put.sha256)):
            result["until_loaded"].append(server.clock.machine_time(found[0]) - put.at)
            result["load"].append(found[1])
    return result


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, 95th percentile and greatest of values; zeros if there are none."""
    if not values:
        return 0.0, 0.0, 0.0
    ordered = sorted(values)
    return statistics.median(ordered), ordered[int(len(ordered) * 0.95)], ordered[-1]
