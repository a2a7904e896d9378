"""Jobs by which an engineer asks for loads, and the sensor that starts what was asked.

The job's run checks its config, and says in its events what it asks for. The sensor then starts one run per dataset or
range, as every other load: it waits for its source's slot, and its models follow (descendants.py). A single run could
not do it, because a run of Dagster knows windows of one kind, and a step belongs to one source.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
from psycopg import Connection

from pipelines.assets.naming import raw_key
from pipelines.assets.raw import FULL_REFRESH
from pipelines.contracts import windows
from pipelines.contracts.model import Contract
from pipelines.datasets import Datasets
from pipelines.errors import ContractError, GudangError
from pipelines.jobs import (
    RANGE_END,
    RANGE_START,
    REQUESTED,
    ingest_job,
    ingest_jobs,
    range_tags,
    today,
)
from pipelines.load.apply.empty_windows import TAG as EMPTY_WINDOW
from pipelines.load.ledger import missing_days
from pipelines.resources.warehouse import Warehouse
from pipelines.runs.causes import StepError
from pipelines.runs.launcher import with_lease
from pipelines.sensors.ended_runs import ended_runs, runs_link
from pipelines.suggest import did_you_mean

if TYPE_CHECKING:
    from pipelines.jobs import AssetJob

MOST_HOLES = 10
"""A dataset with more holes than this is loaded by one run from the first to the last of them."""
_DATASETS = "Dataset sebagai opd/dataset, misalnya [bpkad/realisasi_apbd, dinkes/kunjungan]."
_DAY = "Hari sebagai tttt-bb-hh, atau nama jendela (2026-09 untuk dataset bulanan)."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run that somebody asked for: one dataset, and the tags by which it is loaded."""

    contract: Contract
    tags: Mapping[str, str]

    @property
    def name(self) -> str:
        """The dataset, and its windows if it has any."""
        first, last = self.tags.get(RANGE_START), self.tags.get(RANGE_END)
        return self.contract.key + (f" {first} s.d. {last}" if first else "")


def full_refresh(datasets: Datasets, *, dataset: Sequence[str]) -> Iterator[Wanted]:
    """One run per dataset, which reads everything. Raises ContractError for an unknown dataset."""
    for contract in _chosen(datasets, dataset):
        tags = range_tags([contract], ingest_job(contract), None, today())
        yield Wanted(contract, {FULL_REFRESH: "true", **tags})


def empty_accepted(
    datasets: Datasets, *, dataset: Sequence[str], mulai: str = "", sampai: str = ""
) -> Iterator[Wanted]:
    """One run per dataset, which may remove all rows of its windows. Raises ContractError for what does not fit."""
    for contract in _chosen(datasets, dataset):
        accepted = {EMPTY_WINDOW: "true"}
        if contract.windows is None:
            if mulai or sampai:
                raise ContractError(
                    contract.key,
                    "dataset ini tidak punya jendela",
                    hint="kosongkan mulai dan sampai",
                    code="GDK-K025",
                )
            yield Wanted(contract, accepted)
            continue
        if not mulai:
            raise ContractError(
                contract.key, "mulai belum diisi", hint="sebutkan jendela yang memang kosong", code="GDK-K025"
            )
        first, last = _days(contract, mulai, sampai or mulai)
        yield Wanted(contract, accepted | _range(contract, first, last))


def holes(
    datasets: Datasets,
    connection: Connection[Any],
    *,
    dataset: Sequence[str] = (),
    mulai: str = "",
    sampai: str = "",
) -> Iterator[Wanted]:
    """One run per range of windows that no load has covered. Raises ContractError for what does not fit."""
    all_with_windows = [c.key for c in datasets.contracts if c.windows]
    for contract in _chosen(datasets, dataset or all_with_windows):
        if contract.windows is None:
            raise ContractError(
                contract.key,
                "dataset ini tidak punya jendela",
                hint="keluarkan dari daftar dataset",
                code="GDK-K025",
            )
        every, start = contract.windows.every, contract.windows.start
        newest = windows.begin(every, today()) - timedelta(days=1)
        if start > newest and not dataset:
            continue  # its first window is not over yet
        asked = _days(contract, mulai or start.isoformat(), sampai or newest.isoformat())
        found = missing_days(connection, contract, *asked)
        if len(found) > MOST_HOLES:
            found = [(found[0][0], found[-1][1])]
        for first, last in found:
            yield Wanted(contract, _range(contract, first, last))


def _chosen(datasets: Datasets, keys: Sequence[str]) -> Iterator[Contract]:
    contracts = {c.key: c for c in datasets.contracts}
    faulty = {s.key for s in datasets.set_aside}
    if not keys:
        raise ContractError(
            "dataset", "belum diisi", hint="sebutkan satu atau lebih, sebagai opd/dataset", code="GDK-K025"
        )
    for key in dict.fromkeys(keys):
        if key in faulty:
            raise ContractError(
                key, "disisihkan, kontrak atau suite-nya salah", hint="`gudang validate`", code="GDK-K022"
            )
        if key not in contracts:
            hint = did_you_mean(key, contracts) or "`gudang status` menyebut semuanya"
            raise ContractError(key, "tidak ada kontrak untuk dataset ini", hint=hint, code="GDK-K022")
        yield contracts[key]


def _days(contract: Contract, first: str, last: str) -> tuple[date, date]:
    """The days of the windows from `first` to `last`. Raises ContractError if they are none of the dataset's."""
    assert contract.windows is not None
    every, start = contract.windows.every, contract.windows.start
    low, high = windows.begin(every, _day(contract, first)), windows.end(every, _day(contract, last))
    newest = windows.end(every, windows.night(every, start, None, today())[1])
    if low > high or low < windows.begin(every, start) or high > newest:
        raise ContractError(
            contract.key,
            f"tidak ada jendela {first} s.d. {last}",
            hint=f"jendelanya dari {start} sampai {newest}",
            code="GDK-K025",
        )
    return max(low, start), high


def _day(contract: Contract, text: str) -> date:
    assert contract.windows is not None
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return windows.days(contract.windows.every, text, text)[0]
    except ValueError:
        known = windows.key(contract.windows.every, contract.windows.start)
        raise ContractError(
            contract.key,
            f'"{text}" bukan hari dan bukan nama jendela',
            hint=f"tulis seperti {known}",
            code="GDK-K025",
        ) from None


def _range(contract: Contract, first: date, last: date) -> dict[str, str]:
    assert contract.windows is not None
    every = contract.windows.every
    return {RANGE_START: windows.key(every, first), RANGE_END: windows.key(every, last)}


@dataclass(frozen=True, slots=True)
class _Request:
    """A job that asks for loads: its description, and the fields of its config, which the launchpad shows."""

    description: str
    fields: Mapping[str, dg.Field]


def _text(description: str) -> dg.Field:
    return dg.Field(str, default_value="", is_required=False, description=description)


_JOBS: Mapping[str, _Request] = {
    "muat_ulang_penuh": _Request(
        "Memuat ulang penuh dataset yang disebut: semua yang ada di sumber dibaca, tanpa tanda air dan jendela,"
        " dan mengganti isi raw. Turunannya dibangun sesudahnya.",
        {"dataset": dg.Field([str], description=f"{_DATASETS} Isinya di raw diganti isi sumber seluruhnya.")},
    ),
    "jendela_kosong_diterima": _Request(
        "Memuat jendela (atau dataset) yang di sumbernya memang sudah kosong atau jauh berkurang. Tanpa ini"
        " pemuatannya gagal, supaya sumber yang terkosongkan tanpa sengaja tidak mengosongkan gudang data.",
        {
            "dataset": dg.Field(
                [str], description=f"{_DATASETS} Tanyakan dahulu kepada OPD: barisnya akan hilang."
            ),
            "mulai": _text(f"Jendela pertama. {_DAY} Kosong untuk dataset tanpa jendela."),
            "sampai": _text(f"Jendela terakhir, termasuk. {_DAY} Kosong: sama dengan mulai."),
        },
    ),
    "tutup_bolong": _Request(
        "Memuat jendela yang belum pernah dimuat, dari awal menurut kontrak sampai sekarang, menurut catatan"
        " pemuatan.",
        {
            "dataset": dg.Field(
                [str],
                default_value=[],
                is_required=False,
                description=f"{_DATASETS} Kosong: semua dataset yang dimuat menurut jendela.",
            ),
            "mulai": _text(f"Hari pertama yang diperiksa. {_DAY} Kosong: awal menurut kontrak."),
            "sampai": _text(f"Hari terakhir. {_DAY} Kosong: jendela terakhir yang sudah lewat."),
        },
    ),
}


def _wanted(datasets: Datasets, job: str, config: Mapping[str, Any], warehouse: Warehouse) -> list[Wanted]:
    """The runs that a job with this config asks for."""
    if job == "muat_ulang_penuh":
        return [*full_refresh(datasets, **config)]
    if job == "jendela_kosong_diterima":
        return [*empty_accepted(datasets, **config)]
    with warehouse.connect() as connection:
        return [*holes(datasets, connection, **config)]


def request_jobs(datasets: Datasets) -> list[dg.JobDefinition]:
    """Makes the jobs that ask for loads. Their single step checks the config, and logs the runs that it asks for."""
    return [_job(datasets, name, request) for name, request in _JOBS.items()]


def _job(datasets: Datasets, name: str, request: _Request) -> dg.JobDefinition:
    def ask(context: dg.OpExecutionContext, warehouse: Warehouse) -> None:
        try:
            wanted = _wanted(datasets, name, context.op_config, warehouse)
        except GudangError as error:
            raise StepError(str(error)) from None
        for run in wanted:
            context.log.info(f"Diminta: {run.name}")
        context.log.info(
            f"{len(wanted)} pemuatan diminta; sensor pemuatan_diminta memulainya, dan semuanya terlihat di"
            f" {runs_link(REQUESTED, context.run.run_id)}"
            if wanted
            else "Tidak ada yang perlu dimuat."
        )

    step, fields, description = f"minta_{name}", dict(request.fields), request.description
    asked = dg.op(name=step, description=description, config_schema=fields, out=dg.Out(dg.Nothing))(ask)

    @dg.config_mapping(config_schema=fields)
    def at_the_top(config: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"ops": {step: {"config": config}}}

    @dg.job(
        name=name, description=description, config=at_the_top, executor_def=with_lease(dg.in_process_executor)
    )
    def asking() -> None:
        asked()

    return asking


def requested_sensor(
    datasets: Datasets, jobs: "Mapping[str, AssetJob]", *, clock: Callable[[], float] = time.time
) -> dg.SensorDefinition:
    """Makes the sensor that starts the runs that a successful run of one of the jobs asked for, once.

    clock: gives seconds since the epoch.
    """

    @dg.sensor(
        name="pemuatan_diminta",
        jobs=[jobs[name] for name in ingest_jobs(datasets.contracts)],
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Memulai pemuatan yang diminta lewat job {', '.join(_JOBS)}. Run-nya bertag {REQUESTED}.",
    )
    def start_requested(
        context: dg.SensorEvaluationContext, warehouse: Warehouse
    ) -> dg.SensorResult | dg.SkipReason:
        ended = ended_runs(context.instance, context.cursor, _JOBS, clock())
        requests: list[dg.RunRequest] = []
        lines: list[str] = []
        for run in (record.dagster_run for record in ended.records):
            if run.status is not dg.DagsterRunStatus.SUCCESS:
                continue
            try:
                wanted = _wanted(datasets, run.job_name, run.run_config, warehouse)
            except ContractError as error:  # the contract has changed since the job checked it
                lines.append(f"{run.job_name}, run {run.run_id[:8]}: {error}")
                context.log.warning(lines[-1])  # a tick that starts other runs has no reason to show
                continue
            except GudangError as error:  # the warehouse is away, so the next tick tries again
                return dg.SkipReason(str(error))
            requests += [_run_request(run.run_id, w) for w in wanted]
        return dg.SensorResult(
            run_requests=requests or None,
            skip_reason=None if requests else "\n".join(lines) or "Tidak ada permintaan baru.",
            cursor=ended.cursor,
        )

    return start_requested


def _run_request(run_id: str, wanted: Wanted) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{run_id}:{wanted.name}",
        job_name=ingest_job(wanted.contract),
        asset_selection=[raw_key(wanted.contract)],
        tags={REQUESTED: run_id, **wanted.tags},
    )
