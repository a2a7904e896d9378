"""Starts a load of a dataset when its upload zone has new files. Not here: what is built from it (descendants.py)."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from psycopg import Connection

from pipelines.assets.naming import raw_key
from pipelines.assets.raw import left_files
from pipelines.contracts.model import Contract
from pipelines.datasets import Datasets, files_unknown
from pipelines.errors import GudangError, SourceError
from pipelines.extract.upload.files import UploadedFile, is_settled
from pipelines.extract.upload.inbox import LeftFile, list_uploads
from pipelines.extract.upload.zone import upload_zone
from pipelines.jobs import UPLOAD, upload_job
from pipelines.load import arrivals, ledger
from pipelines.load import prepare as bootstrap
from pipelines.load.arrivals import Arrival, Patience
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.jobs import AssetJob

DATASET_TAG, FILE_TAG = "gudang/dataset", "gudang/berkas"
ARRIVAL_TAG = "gudang/kedatangan"
"""The tag with the last file of a run (ops.upload_seen) and the contract's mark, to count the runs for a file."""
MAX_TRIES = 3
"""After so many runs for one file that ended before they judged it (killed, or no warehouse), no further one starts."""
RETRY_WAIT_S = 60
"""Seconds between such a run and the next, times the number of these runs."""
READ_S = 20
"""Seconds in which a tick may begin to read new files. Dagster stops waiting for a tick after 60 seconds."""
LOOK_S, REMOTE_LOOK_S = 3, 15
"""Seconds between two looks at a zone on this machine, and at one on another, which lists its folders for each."""
_LOOKING = threading.Lock()
"""Held by a tick while it reads, because Dagster starts the next tick while a long one still reads."""
_LINES_KEY, _FIRST_KEY, _SURVEY_KEY = "#", ">", "?"
"""Keys of the cursor: the lines of the last tick, the dataset to begin with, the time of the last survey."""
_SURVEY_S = 300
"""Seconds between two surveys of a zone on another machine for files in folders that no contract knows."""
_MOST_NAMED = 5
"""Of so many files of one kind a line says the names."""
_MOST_LINES = 200
"""The most lines of a tick. Dagster keeps the lines of every tick for days, and a tick comes every 15 seconds."""
_JUDGED = {
    "rejected": "ditolak pemeriksaan atau walidata",
    "waiting": "menunggu persetujuan",
    "failed": "gagal dimuat",
    "loaded": "pernah dimuat, lalu digantikan kiriman lain",
    "unchanged": "pernah dimuat, lalu digantikan kiriman lain",
}


@dataclass
class _Tick:
    """What one tick has found in the zone, and the cursor for the next one: one or two marks for each dataset."""

    before: dict[str, str]
    after: dict[str, str] = field(default_factory=dict[str, str])
    lines: list[str] = field(default_factory=list[str])
    requests: list[dg.RunRequest] = field(default_factory=list[dg.RunRequest])
    events: list[dg.AssetObservation] = field(default_factory=list[dg.AssetObservation])
    files: int = 0
    patience: Patience = field(default_factory=lambda: Patience(READ_S))
    retry_wait: float = RETRY_WAIT_S

    def keep(self, *names: str) -> None:
        """Copies these marks from the previous cursor."""
        self.after |= {name: self.before[name] for name in names if name in self.before}

    def in_turn(self, contracts: Sequence[Contract]) -> Sequence[Contract]:
        """The contracts, beginning with the one that the previous tick had no time for."""
        keys = [c.key for c in contracts]
        first = keys.index(self.before[_FIRST_KEY]) if self.before.get(_FIRST_KEY) in keys else 0
        return [*contracts[first:], *contracts[:first]]

    def note_lines(self) -> bool:
        """Shortens the lines and puts their mark into the cursor. Gives whether to log: runs start, or they changed.

        Dagster keeps a log file for each tick that logs, so only changes are logged.
        """
        if len(self.lines) > _MOST_LINES:
            more = f"{len(self.lines) - _MOST_LINES} baris lagi; `gudang status` menyebut semua berkas"
            self.lines = [*self.lines[:_MOST_LINES], more]
        if self.lines:
            self.after[_LINES_KEY] = _mark(sorted(self.lines))
        return bool(self.requests) or self.after.get(_LINES_KEY) != self.before.get(_LINES_KEY)

    def result(self) -> dg.SensorResult:
        """The result of the tick for Dagster."""
        counted = f"{self.files} berkas dilihat, {len(self.requests)} pemuatan dimulai."
        return dg.SensorResult(
            run_requests=self.requests or None,
            skip_reason=None if self.requests else "\n".join([counted, *self.lines]),
            cursor=json.dumps(self.after, sort_keys=True),
            asset_events=self.events,
        )


def look_seconds(settings: Settings) -> int:
    """Seconds between two looks at the upload zone."""
    return LOOK_S if isinstance(upload_zone(settings), Path) else REMOTE_LOOK_S


def upload_sensor(
    datasets: Datasets,
    settings: Settings,
    jobs: Mapping[str, AssetJob],
    *,
    read_wait: float = READ_S,
    retry_wait: float = RETRY_WAIT_S,
) -> dg.SensorDefinition:
    """The sensor that looks at the whole zone, starts a run per dataset with new files, and logs the files it left.

    The ledger decides which files are new (load/arrivals.py): a file is due until a load has judged it. A file that is
    still being written is left for the next tick: on this machine one that changed a moment ago; on another machine,
    whose clock may differ, one that differs from the tick before. The cursor does not grow with the number of files.

    read_wait: seconds in which a tick begins to read new files. retry_wait: seconds before another run for a file,
    times the number of its runs.
    """
    uploads = [c for c in datasets.contracts if c.server.kind == "upload"]

    @dg.sensor(
        name="unggahan_baru",
        jobs=[jobs[name] for name in sorted({UPLOAD, *map(upload_job, uploads)})],
        minimum_interval_seconds=look_seconds(settings),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Memuat berkas baru di zona unggah OPD.",
    )
    def new_uploads(
        context: dg.SensorEvaluationContext, warehouse: Warehouse
    ) -> dg.SensorResult | dg.SkipReason:
        tick = _Tick(json.loads(context.cursor or "{}"), patience=Patience(read_wait), retry_wait=retry_wait)
        if not _LOOKING.acquire(blocking=False):
            return dg.SkipReason("Pemeriksaan sebelumnya masih membaca berkas; pemeriksaan ini dilewati.")
        try:
            with warehouse.connect() as connection:
                _prepare_if_needed(connection, datasets)
                ledger.sweep_all(
                    connection
                )  # of every source: personal rows of a killed load do not stay until night
                for contract in tick.in_turn(uploads):
                    _look(context, tick, connection, contract, settings)
                _survey(tick, datasets, settings)
        except GudangError as error:
            return dg.SkipReason(str(error))
        finally:
            _LOOKING.release()
        if tick.note_lines():
            for line in tick.lines:
                context.log.info(line)
        return tick.result()

    return new_uploads


def _prepare_if_needed(connection: Connection[Any], datasets: Datasets) -> None:
    if not bootstrap.is_prepared(connection):
        bootstrap.prepare(connection, datasets.contracts, set_aside=[s.key for s in datasets.set_aside])


def _look(
    context: dg.SensorEvaluationContext,
    tick: _Tick,
    connection: Connection[Any],
    contract: Contract,
    settings: Settings,
) -> None:
    """Looks at one dataset's folder. A fault becomes a line, so that the other datasets are looked at."""
    key = contract.key
    try:
        found = list_uploads(upload_zone(settings), contract)
        listing = arrivals.take_last_arrived(connection, contract, found)
        tick.files += len(listing.files) + len(listing.left)
        settled, waiting = _settled(tick, contract, listing.files)
        seen = arrivals.register_files(connection, contract, settled, patience=tick.patience)
        unreadable = [LeftFile(f"{key}/{f.name}", e.message) for f, e in seen.unreadable]
        _report_left(tick, contract, [*listing.left, *unreadable])
        if seen.unread:
            tick.after[_FIRST_KEY] = key
            tick.lines.append(f"{key}: dibaca pada kesempatan berikutnya: {_names(seen.unread)}")
        if waiting:
            tick.lines.append(f"{key}: menunggu selesai ditulis: {_names(waiting)}")
        if (waiting or seen.unread) and not contract.takes_every_file:
            return  # the newest file replaces all others, and we do not know yet which it is
        if not contract.takes_every_file and len(seen.arrivals) > 1:
            newest = seen.arrivals[-1].file.name
            tick.lines.append(
                f"{key}: {newest} datang terakhir; {len(seen.arrivals) - 1} lainnya digantikannya"
            )
        new = arrivals.changed_arrivals(connection, contract, seen.arrivals)
        tick.lines += _judged_lines(key, [a for a in new if a.outcome])
        if due := [a for a in new if not a.outcome]:
            _request(context, tick, contract, due)
    except GudangError as error:
        tick.keep(key, f"{key}!")
        tick.lines.append(str(error))


def _settled(
    tick: _Tick, contract: Contract, files: Sequence[UploadedFile]
) -> tuple[list[UploadedFile], list[UploadedFile]]:
    """Gives the files that are completely written, and the others."""
    if not files:
        return [], []
    now = time.time()
    mark = _mark([f"{f.name}:{f.stamp}" for f in files])
    same = tick.before.get(contract.key) == mark
    tick.after[contract.key] = mark
    settled: list[UploadedFile] = []
    waiting: list[UploadedFile] = []
    for file in files:
        (settled if same or is_settled(file, now) else waiting).append(file)
    return settled, waiting


def _request(
    context: dg.SensorEvaluationContext, tick: _Tick, contract: Contract, due: Sequence[Arrival]
) -> None:
    """Requests one run for all due files, because a load takes every file that is not in raw yet, the oldest first."""
    key = contract.key
    runs = context.instance.get_run_records(
        dg.RunsFilter(job_name=upload_job(contract), tags={DATASET_TAG: key}), limit=20
    )
    if running := [r.dagster_run for r in runs if not r.dagster_run.is_finished]:
        tick.lines.append(f"{key}: sedang dimuat oleh run {running[0].run_id[:8]}")
        return
    arrival = f"{due[-1].seen_id}:{arrivals.contract_mark(contract)}"
    tries = [r for r in runs if r.dagster_run.tags.get(ARRIVAL_TAG) == arrival]
    names = _names([a.file for a in due])
    if len(tries) >= MAX_TRIES:
        tick.lines.append(
            f"{key}: {len(tries)} run berakhir sebelum {names} dinilai; lihat run {tries[0].dagster_run.run_id[:8]},"
            " lalu letakkan lagi berkasnya"
        )
        return
    ended = max((r.end_time or 0.0 for r in tries), default=0.0)
    if time.time() - ended < tick.retry_wait * len(tries):
        tick.lines.append(
            f"{key}: {names} dicoba lagi sebentar lagi; run sebelumnya berakhir sebelum menilainya"
        )
        return
    tick.lines.append(f"{key}: memuat {names}")
    tick.requests.append(
        dg.RunRequest(
            run_key=f"{key}:{arrival}:{len(tries)}",
            job_name=upload_job(contract),
            asset_selection=[raw_key(contract)],
            tags={DATASET_TAG: key, FILE_TAG: names, ARRIVAL_TAG: arrival},
        )
    )


def _report_left(tick: _Tick, contract: Contract, left: Sequence[LeftFile]) -> None:
    """Adds a line for each file that the contract does not take, and an observation of the asset if they changed."""
    tick.lines += _left_lines(left)
    name = f"{contract.key}!"
    if left:
        tick.after[name] = _mark([str(file) for file in left])
    if tick.after.get(name) != tick.before.get(name):
        tick.events.append(
            dg.AssetObservation(
                raw_key(contract),
                metadata={"berkas_tidak_diambil": left_files(left)},
                description="Berkas di zona unggah yang tidak diambil.",
            )
        )


def _survey(tick: _Tick, datasets: Datasets, settings: Settings) -> None:
    """Adds a line for each file in no dataset's folder. A zone on another machine is surveyed less often."""
    last = float(tick.before.get(_SURVEY_KEY, "0"))
    remote = not isinstance(upload_zone(settings), Path)
    if remote and time.time() - last < _SURVEY_S:
        tick.keep(_SURVEY_KEY)
        return
    if remote:
        tick.after[_SURVEY_KEY] = str(int(time.time()))
    try:
        unknown = files_unknown(settings, datasets)
    except SourceError as error:
        tick.lines.append(str(error))
        return
    tick.files += len(unknown)
    tick.lines += _left_lines(unknown)


def _judged_lines(key: str, judged: Sequence[Arrival]) -> list[str]:
    """A line for the files of each outcome, because every tick says of every refused file that it is still there."""
    groups: dict[str, list[UploadedFile]] = {}
    for arrival in judged:
        groups.setdefault(_JUDGED[str(arrival.outcome)], []).append(arrival.file)
    mend = "perbaiki lalu letakkan lagi, atau ubah kontraknya"
    return [
        f"{key}/{files[0].name}: {outcome}; {mend}"
        if len(files) == 1
        else f"{key}: {len(files)} berkas {outcome} ({_names(files)}); {mend}"
        for outcome, files in groups.items()
    ]


def _left_lines(left: Sequence[LeftFile]) -> list[str]:
    """A line for each file that is not taken; one for all where many have the same reason."""
    groups: dict[str, list[LeftFile]] = {}
    for file in left:
        groups.setdefault(file.reason, []).append(file)
    lines: list[str] = []
    for reason, files in groups.items():
        if len(files) <= _MOST_NAMED:
            lines += [str(file) for file in files]
        else:
            named = ", ".join(file.place for file in files[:_MOST_NAMED])
            lines.append(f"{named} dan {len(files) - _MOST_NAMED} lagi: {reason}")
    return lines


def _names(files: Sequence[UploadedFile]) -> str:
    names = [f.name for f in files[:_MOST_NAMED]]
    more = len(files) - len(names)
    return ", ".join(names) + (f" dan {more} lagi" if more else "")


def _mark(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
