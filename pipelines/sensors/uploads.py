"""New files in the upload zone: a load of just that dataset, then of just what is made from it."""

import json
import time
from collections.abc import Sequence

import dagster as dg

from pipelines.assets.raw import raw_key
from pipelines.assets.warehouse import model_key
from pipelines.contracts import Contract
from pipelines.errors import GudangError
from pipelines.extract.uploads import UploadedFile, find_uploads, is_settled
from pipelines.jobs import UPLOAD, AssetJob
from pipelines.load.ledger import last_fingerprint
from pipelines.models.nodes import Project
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import Settings

DATASET_TAG = "gudang/dataset"


def upload_sensor(contracts: Sequence[Contract], settings: Settings) -> dg.SensorDefinition:
    """Looks at the newest file of every upload dataset; a file still being written is left for the next tick.

    The cursor holds one entry a dataset (name, size, time of change), so it never grows; the run's key holds the
    content's SHA-256, so the same bytes start one run, however often they are put there.
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
        seen: dict[str, str] = json.loads(context.cursor or "{}")
        requests: list[dg.RunRequest] = []
        for contract in uploads:
            try:
                files = find_uploads(settings.upload_zone, contract)
            except GudangError as error:
                context.log.error(str(error))
                continue
            if (
                not files
                or not is_settled(files[-1], time.time())
                or seen.get(contract.key) == _mark(files[-1])
            ):
                continue
            seen[contract.key] = _mark(files[-1])
            if not _is_loaded(warehouse, contract, files[-1]):
                requests.append(_request(contract, files[-1]))
        known = {c.key for c in uploads}
        cursor = json.dumps({k: v for k, v in seen.items() if k in known}, sort_keys=True)
        return dg.SensorResult(run_requests=requests, cursor=cursor)

    return new_uploads


def _mark(file: UploadedFile) -> str:
    return f"{file.name}:{file.size}:{file.mtime}"


def _is_loaded(warehouse: Warehouse, contract: Contract, file: UploadedFile) -> bool:
    """Whether the ledger says that these bytes are what is published now."""
    with warehouse.connect() as connection:
        known = connection.execute("select to_regclass('ops.load_batch') is not null").fetchone()
        published = last_fingerprint(connection, contract.key) if known and known[0] else None
    return (published or "").startswith(f"{file.sha256}:")


def _request(contract: Contract, file: UploadedFile) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{contract.key}:{file.sha256}",
        asset_selection=[raw_key(contract)],
        tags={DATASET_TAG: contract.key, "gudang/berkas": file.name},
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
