"""`gudang nightly` and `gudang reload`: run jobs on the Dagster instance, and print their result.

What belongs here: running the jobs in this process, progress, the exit status. Not here: what the jobs do (assets/),
the tables of the result (runs/summary.py), the same chain under the daemon (jobs.py, sensors/chain.py).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import dagster as dg

# `execute_in_process` takes no executor, so we call what it calls.
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.execute_in_process import core_execute_in_process
from psycopg import Connection
from psycopg import Error as PsycopgError

from pipelines.alerts.announce import Teller, make_channels
from pipelines.assets.naming import raw_key
from pipelines.assets.publication import note_published, publication_tags
from pipelines.assets.raw import FULL_REFRESH
from pipelines.assets.set_aside import describe
from pipelines.assets.warehouse import due_models
from pipelines.contracts.model import Contract
from pipelines.datasets import Datasets, files_left
from pipelines.definitions import defs, project_files
from pipelines.errors import ContractError, GudangError
from pipelines.feedback.send import send_pending
from pipelines.jobs import (
    INGEST,
    INGEST_JOBS,
    NIGHT,
    PUBLICATION,
    PUBLISHED_FROM,
    REQUESTED,
    UNCHANGED,
    WALKED,
    WAREHOUSE,
    chain,
    ingest_job,
    ingest_jobs,
    range_tags,
    today,
)
from pipelines.load import ledger, prepare
from pipelines.load.approval.decide import carry_out_open
from pipelines.models.project.nodes import Project
from pipelines.runs.causes import causes
from pipelines.runs.dead import LEASE_FIRST_TAG, Closed, close_dead_runs, queued_runs, storage_url, subject
from pipelines.runs.origin import filed_below_location
from pipelines.runs.slots import limit_pool_waits, make_pools
from pipelines.runs.storage_noise import replace_connection_errors
from pipelines.runs.summary import datasets_table, failures, models_built
from pipelines.runs.threads import threaded_executor
from pipelines.runtime import lease
from pipelines.runtime.environment import DAGSTER_URL
from pipelines.runtime.terminal import Terminal, TerminalHandler, styled
from pipelines.settings import Settings, load_alert_settings
from pipelines.suggest import did_you_mean
from pipelines.warehouse.connection import connect

if TYPE_CHECKING:
    from dagster_shared.error import SerializableErrorInfo

T = TypeVar("T")
_MAX_RETRIES_TAG = "dagster/max_retries"
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_HARMLESS = frozenset({"OperationalError", "ConnectionTimeout", "AdminShutdown", "CannotConnectNow"})


@dataclass(frozen=True, slots=True)
class Link:
    """One run of the chain."""

    job: str
    run_id: str
    success: bool
    files: tuple[tuple[str, bool], ...]


def walk(settings: Settings) -> int:
    """Runs the chain's jobs, each also after one that failed. The exit code: 0 if all succeeded, else 1.

    Needs the variables that `prepare_environment` sets. Raises LoadError when the warehouse can't be reached.
    """
    datasets = project_files.datasets
    contracts = datasets.contracts
    console = _console()
    with _warehouse(settings, datasets) as connection:
        for line in carry_out_open(connection, contracts):
            console.print(line)
        # Read before the first job loads anything: models are rebuilt for the days that ingest reads.
        night = {NIGHT: today().isoformat()}
        tags = {
            job: night
            | range_tags(contracts, job, ledger.loaded_until(connection, _windowed(contracts, job)), today())
            for job in chain(contracts)
        }
        project = project_files.models if isinstance(project_files.models, Project) else None
        links: list[Link] = []
        told: Callable[[], list[str]] | None = None
        with _instance(console) as instance:
            for job in tags:
                due = due_models(project, connection, tags[job]) if project and job == WAREHOUSE else None
                if due == []:
                    console.rule(styled(job, "bold"))
                    console.print("Tidak ada model yang perlu dibangun.")
                    continue
                if job == PUBLICATION and project:
                    links.append(_publication(console, connection, settings, instance, project, tags[job]))
                else:
                    links.append(_run(console, settings, instance, job, tags[job], due, checks=False))
                if job == ingest_jobs(contracts)[-1]:
                    # Files for the OPD are Python's work, models are PostgreSQL's: neither waits for the other.
                    told = _beside(lambda: _feedback(settings, datasets))
        for line in told() if told else []:
            console.print(line)
        _summary(console, connection, datasets, links, project)
        _zone(console, settings, datasets)
        _tell(console, connection, settings, datasets)
    return 0 if all(link.success for link in links) else 1


def _publication(
    console: Terminal,
    connection: Connection[Any],
    settings: Settings,
    instance: dg.DagsterInstance,
    project: Project,
    tags: Mapping[str, str],
) -> Link:
    """Publishes, unless that would give the files that are shown."""
    of_project = (connection, project, project_files.digests, settings)
    published_from = publication_tags(*of_project)
    link = _run(console, settings, instance, PUBLICATION, {**tags, **published_from})
    if published_from.get(PUBLISHED_FROM) == UNCHANGED:
        console.print("Semua terbitan masih sama.")
    run = instance.get_run_by_id(link.run_id)
    if link.success and run:
        note_published(*of_project, run)
    return link


def reload(settings: Settings, key: str) -> int:
    """Loads one dataset by a full refresh. The exit code: 0 if that succeeded, else 1.

    Needs the variables that `prepare_environment` sets. Raises ContractError where no contract has this key.
    """
    datasets = project_files.datasets
    chosen = [c for c in datasets.contracts if c.key == key]
    if faulty := [s for s in datasets.set_aside if s.key == key]:
        raise ContractError(key, "; ".join(faulty[0].describe()), hint="`gudang validate`", code="GDK-K022")
    if not chosen:
        hint = did_you_mean(key, [c.key for c in datasets.contracts]) or "`gudang status` menyebut semuanya"
        raise ContractError(key, "tidak ada kontrak untuk dataset ini", hint=hint, code="GDK-K022")
    console = _console()
    with _warehouse(settings, datasets) as connection:
        job = ingest_job(chosen[0])
        tags = {REQUESTED: "reload", FULL_REFRESH: "true", **range_tags(chosen, job, None, today())}
        with _instance(console) as instance:
            link = _run(console, settings, instance, job, tags, [raw_key(chosen[0])])
        console.print(datasets_table(connection, chosen, [link.run_id]))
        for line in failures(connection, [link.run_id]):
            console.print(f"  {line}", style="red")
    return 0 if link.success else 1


def _console() -> Terminal:
    console = Terminal(at_least=120)
    _progress(console)
    return console


@contextmanager
def _warehouse(settings: Settings, datasets: Datasets) -> Iterator[Connection[Any]]:
    assert settings.warehouse_url is not None
    with connect(settings.warehouse_url) as connection:
        prepare.prepare(connection, datasets.contracts, set_aside=[s.key for s in datasets.set_aside])
        yield connection


def _in_a_line(error: SerializableErrorInfo | None) -> str:
    """Gives the innermost cause of an error that Dagster wrapped, in a line.

    Its message where it is ours or of a lost connection, because that holds no value of a row; else its class.
    """
    if error is None:
        return "gagal"
    while error.cause is not None:
        error = error.cause
    name, words = error.cls_name or "", error.message.strip().splitlines()
    harmless = name in _HARMLESS or any(name == kind.__name__ for kind in _all_kinds(GudangError))
    return words[0] if harmless and words else f"{name}; rinciannya di `gudang ui`"


def _all_kinds(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _all_kinds(narrower)


@contextmanager
def _instance(console: Terminal) -> Iterator[dg.DagsterInstance]:
    def closed(runs: Sequence[Closed]) -> None:
        for run in runs:
            say(run.message)

    def say(line: str) -> None:
        console.print(line, style="yellow")

    with dg.DagsterInstance.get() as instance:
        # Without this, Dagster's storage makes a new connection for every event.
        instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=5)
        closed(close_dead_runs(instance))
        waiting = queued_runs(instance)
        if waiting:
            say(f"{len(waiting)} run masih antre; `gudang ui` menjalankannya.")
        with limit_pool_waits(instance, say, closed), replace_connection_errors(say):
            yield instance


def _progress(console: Terminal) -> None:
    log = logging.getLogger("gudang")
    if not log.handlers:
        log.addHandler(TerminalHandler(console))
    log.setLevel(logging.INFO)
    log.propagate = False


def _windowed(contracts: Sequence[Contract], job: str) -> list[str]:
    """The datasets with windows that a job loads, or whose models it builds."""
    read_by = INGEST if job == WAREHOUSE else job
    return [c.key for c in contracts if c.windows and ingest_job(c) == read_by]


def _run(
    console: Terminal,
    settings: Settings,
    instance: dg.DagsterInstance,
    job: str,
    more_tags: Mapping[str, str],
    selection: Sequence[dg.AssetKey] | None = None,
    *,
    checks: bool = True,
) -> Link:
    """Runs a job, or the selected assets of it. checks: plan the checks of selected assets (assets/check_events.py)."""
    console.rule(styled(job, "bold"))
    run_id = str(uuid4())
    # The daemon must not retry a killed run, which the next night does anyway, nor end a long one: this run's lease
    # says whether it is dead.
    own = {LEASE_FIRST_TAG: run_id, _MAX_RETRIES_TAG: "0", dg.MAX_RUNTIME_SECONDS_TAG: "0"}
    tags = {WALKED: "walked", **own, **more_tags}
    url = storage_url(instance)
    executor = threaded_executor if job in INGEST_JOBS.values() else dg.in_process_executor
    definition = defs.resolve_job_def(job)
    if selection:
        # Dagster adds the checks of selected assets, unless the selection says which checks.
        none: set[dg.AssetCheckKey] = set()
        definition = definition.get_subset(
            asset_selection={*selection}, asset_check_selection=None if checks else none
        )
    make_pools(instance, definition.graph.pools)
    filed = filed_below_location(instance, settings.project / "workspace.yaml", job)
    with lease.hold(url, subject(run_id)) if url else nullcontext(), filed:
        result = core_execute_in_process(
            _QUIET, InMemoryJob(definition.with_executor_def(executor)), instance,
            output_capturing_enabled=False, raise_on_error=False, run_tags=tags, run_id=run_id,
            asset_selection=frozenset(selection) if selection and checks else None,
        )  # fmt: skip
    if failed := [event for event in result.all_events if event.is_step_failure]:
        # The run's own failure names the first step only, because no executor of ours works on this run.
        instance.report_engine_event(causes(failed), result.dagster_run)
    files = tuple(
        (
            str(event.materialization.metadata["berkas"].value),
            bool(event.materialization.metadata["berubah"].value),
        )
        for event in result.all_events
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION
        and {"berkas", "berubah"} <= event.materialization.metadata.keys()
    )
    for event in result.all_events:
        if event.is_step_failure and event.step_failure_data.user_failure_data is None:
            reason = _in_a_line(event.step_failure_data.error)
            console.print(f"{event.step_key}: {reason}", style="red")
        if event.event_type == dg.DagsterEventType.RUN_FAILURE and event.job_failure_data.error:
            reason = _in_a_line(event.job_failure_data.error)
            console.print(f"{job}: {reason}", style="red")
    return Link(job, result.run_id, result.success, files)


def _summary(
    console: Terminal,
    connection: Connection[Any],
    datasets: Datasets,
    links: Sequence[Link],
    project: Project | None,
) -> None:
    run_ids = {link.job: link.run_id for link in links}
    console.rule(styled("malam ini", "bold"))
    contracts = datasets.contracts
    table = datasets_table(connection, contracts, [run_ids[job] for job in ingest_jobs(contracts)])
    for dataset in datasets.set_aside:
        table.add_row(dataset.key, styled("disisihkan: kontrak salah", "red"))
    console.print(table)
    for dataset in datasets.set_aside:
        console.print(f"  {describe(dataset)}", style="red")
    failed = failures(connection, list(run_ids.values()))
    for line in failed:
        console.print(f"  {line}", style="red")
    total = len(project.nodes) if project else None
    console.print(models_built(connection, list(run_ids.values()), total))
    for link in links:
        for path, changed in link.files:
            console.print(f"  {path}  {'' if changed else '(tidak berubah)'}")
    for link in links:
        word = styled("berhasil", "green") if link.success else styled("GAGAL", "red")
        console.print(f"{link.job}:", word, f" (run {link.run_id})")


def _feedback(settings: Settings, datasets: Datasets) -> list[str]:
    """Tells the OPD of their loads; gives what became of it. A fault changes nothing of the night's result."""
    assert settings.warehouse_url is not None
    try:
        with connect(settings.warehouse_url) as connection:
            sent = send_pending(connection, settings, datasets, load_alert_settings())
    except (GudangError, PsycopgError) as error:
        return [
            f"Umpan balik belum dibuat: {error if isinstance(error, GudangError) else type(error).__name__}"
        ]
    return [sent.headline, *(f"  gagal: {line}" for line in sent.failures)]


def _beside(work: Callable[[], T]) -> Callable[[], T]:
    """Does `work` in a thread; gives the function that waits for its result, or raises its error.

    The thread does not keep the process when that ends before, by Ctrl-C.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    Thread(target=run, name="beside", daemon=True).start()
    return outcome.result


def _tell(console: Terminal, connection: Connection[Any], settings: Settings, datasets: Datasets) -> None:
    """Sends the night's digest, and prints what became of it. A fault of it changes nothing of the night's result."""
    try:
        alerts = load_alert_settings()
        if not make_channels(alerts):
            return
        report = Teller(connection, settings, datasets, alerts, os.environ.get(DAGSTER_URL)).announce()
        lines = report.lines[1:] if report.digest else report.lines
    except (GudangError, PsycopgError) as error:
        lines = [
            f"Kabar malam belum terkirim: {error if isinstance(error, GudangError) else type(error).__name__}"
        ]
    for line in lines:
        console.print(line)


def _zone(console: Terminal, settings: Settings, datasets: Datasets) -> None:
    """Prints the files in the upload zone that no contract takes."""
    try:
        left = [str(file) for file in files_left(settings, datasets)]
    except GudangError as error:
        left = [str(error)]
    if left:
        console.print("Di zona unggah, tidak diambil:", style="yellow")
    for line in left:
        console.print(f"  {line}")
