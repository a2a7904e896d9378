"""New files in the upload zone: a load of just that dataset, then of just what is made from it."""

import hashlib
import json
import time
from collections.abc import Sequence
from functools import lru_cache

import dagster as dg

from pipelines.assets.raw import raw_key
from pipelines.assets.warehouse import model_key
from pipelines.contracts import Contract
from pipelines.errors import GudangError
from pipelines.extract.uploads import UploadedFile, find_uploads, is_settled
from pipelines.jobs import UPLOAD, AssetJob
from pipelines.load.ledger import merged, standing_fingerprints
from pipelines.models.nodes import Project
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import Settings

DATASET_TAG, FILE_TAG = "gudang/dataset", "gudang/berkas"


def upload_sensor(contracts: Sequence[Contract], settings: Settings) -> dg.SensorDefinition:
    """Looks at every upload dataset: its newest file, or each of its files where every one is taken, oldest first.

    A file still being written is left for the next tick: on this machine one that changed a moment ago, on another
    machine, whose clock is its own, one that looks otherwise than at the tick before. The cursor holds a mark or two
    a dataset, so it never grows; a run's key holds the content's SHA-256, so the same bytes start one run, however
    often they are put there.
    """
    uploads = [c for c in contracts if c.server.kind == "upload"]

    @dg.sensor(
        name="unggahan_baru",
        job_name=UPLOAD,
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Memuat berkas baru di zona unggah OPD.",
    )
    def new_uploads(
        context: dg.SensorEvaluationContext, warehouse: Warehouse
    ) -> dg.SensorResult | dg.SkipReason:
        before: dict[str, str] = json.loads(context.cursor or "{}")
        after: dict[str, str] = {}
        requests: list[dg.RunRequest] = []
        for contract in uploads:
            key, seen = contract.key, f"{contract.key}?"
            after |= {name: before[name] for name in (key, seen) if name in before}
            try:
                files = find_uploads(settings.upload_zone, contract)
                if files and files[-1].is_remote:
                    after[seen] = _mark(files)
                settled = _settled(contract, files, same_as_before=before.get(seen) == after.get(seen))
                if not settled or before.get(key) == _mark(settled):
                    continue
                loaded = _loaded(warehouse, contract)
                requests += [_request(contract, file) for file in settled if _sha256(file) not in loaded]
                after[key] = _mark(settled)
            except GudangError as error:
                context.log.error(str(error))
        return dg.SensorResult(run_requests=requests, cursor=json.dumps(after, sort_keys=True))

    return new_uploads


def _settled(
    contract: Contract, files: Sequence[UploadedFile], *, same_as_before: bool
) -> list[UploadedFile]:
    """Those of the files that stand for the dataset which nobody is writing to."""
    now = time.time()
    standing = files if contract.takes_every_file else files[-1:]
    return [f for f in standing if (same_as_before if f.is_remote else is_settled(f, now))]


def _mark(files: Sequence[UploadedFile]) -> str:
    """What tells one look from another without reading a file."""
    listing = [[f.name, f.size, f.mtime] for f in files]
    return hashlib.sha256(json.dumps(listing).encode()).hexdigest()


@lru_cache(maxsize=10_000)
def _sha256(file: UploadedFile) -> str:
    """Each file, as it was listed, is read once by this process."""
    return file.sha256


def _loaded(warehouse: Warehouse, contract: Contract) -> set[str]:
    """SHA-256 of the bytes that raw stands for: of the last load, or of each file where every one is taken."""
    with warehouse.connect() as connection:
        known = connection.execute("select to_regclass('ops.load_batch') is not null").fetchone()
        if not known or not known[0]:
            return set()
        if contract.merges:
            return {sha for _, sha in merged(connection, contract)}
        found = standing_fingerprints(connection, contract)
    return {fingerprint.split(":")[0] for fingerprint in found}


def _request(contract: Contract, file: UploadedFile) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{contract.key}:{_sha256(file)}",
        asset_selection=[raw_key(contract)],
        tags={DATASET_TAG: contract.key, FILE_TAG: file.name},
    )


def descendants_sensor(
    contracts: Sequence[Contract],
    project: Project,
    upload_job: AssetJob,
    warehouse_job: AssetJob,
) -> dg.SensorDefinition:
    """After an upload's run: the models that are made from its dataset, and no others."""
    keys = {c.key: _descendants(c, project) for c in contracts if c.server.kind == "upload"}

    @dg.run_status_sensor(
        name="warehouse_after_upload",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[upload_job],
        request_job=warehouse_job,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=5,
        description="Membangun model yang memakai dataset yang baru diunggah.",
    )
    def build_descendants(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        dataset = context.dagster_run.tags.get(DATASET_TAG, "")
        if not keys.get(dataset):
            return dg.SkipReason(f"no model is made from {dataset or 'this run'}")
        return dg.RunRequest(
            run_key=f"upload:{context.dagster_run.run_id}",
            asset_selection=keys[dataset],
            tags={DATASET_TAG: dataset, "gudang/after": context.dagster_run.run_id},
        )

    return build_descendants


def _descendants(contract: Contract, project: Project) -> list[dg.AssetKey]:
    readers = project.readers([(contract.opd, contract.dataset)])
    names = readers | project.descendants(readers)
    return [model_key(n) for n in project.nodes.values() if n.name in names]
