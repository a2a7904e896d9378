"""Says what files would change under the daemon: the job `pratinjau_berkas`, and the sensor for the upload page.

Not here: what is counted, and how the page asks (feedback/preview.py, feedback/asked_previews.py).
"""

import hashlib
import time

import dagster as dg

from pipelines.datasets import read_datasets
from pipelines.errors import GudangError
from pipelines.extract.upload.zone import upload_zone
from pipelines.feedback.asked_previews import answer_all, open_questions
from pipelines.resources.warehouse import Warehouse
from pipelines.runs.launcher import with_lease
from pipelines.sensors.descendants import UNFINISHED
from pipelines.settings import load_settings

PREVIEWS = "pratinjau_berkas"
RETRY_S = 120
"""Seconds before another run for questions that a run has left open."""


@dg.op(
    name="hitung_perubahan",
    description="Menghitung baris yang akan baru, berubah, sama, dan ditahan; tidak ada yang diubah.",
)
def previews_op(context: dg.OpExecutionContext, warehouse: Warehouse) -> None:
    """Answers all open questions, and logs what became of each."""
    settings = load_settings()
    with warehouse.connect() as connection:
        found = answer_all(connection, read_datasets(settings).contracts, settings, upload_zone(settings))
    for line in found:
        context.log.info(line)


def previews_job() -> dg.JobDefinition:
    """The job `pratinjau_berkas`."""

    @dg.job(
        name=PREVIEWS,
        description="Menghitung apa yang akan diubah berkas yang diperiksa di loket.",
        executor_def=with_lease(dg.in_process_executor),
    )
    def job() -> None:
        previews_op()

    return job


def previews_sensor() -> dg.SensorDefinition:
    """The sensor that starts the job where the upload page has asked about a file.

    One run of the job at a time. The run's key is a hash of the questions, so that the same start one run; what stays
    open is due after RETRY_S.
    """

    @dg.sensor(
        name=PREVIEWS,
        job_name=PREVIEWS,
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Menghitung apa yang akan diubah berkas yang diperiksa di loket.",
    )
    def look(context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.RunRequest | dg.SkipReason:
        try:
            with warehouse.connect() as connection:
                numbers = [str(one.preview_id) for one in open_questions(connection)]
        except GudangError as error:
            return dg.SkipReason(str(error))
        if not numbers:
            return dg.SkipReason("Tidak ada berkas yang perlu dihitung.")
        if running := context.instance.get_runs(
            dg.RunsFilter(job_name=PREVIEWS, statuses=UNFINISHED), limit=1
        ):
            return dg.SkipReason(f"Menunggu run {running[0].run_id[:8]} selesai menghitung.")
        text = "\n".join((*numbers, str(int(time.time() // RETRY_S))))
        return dg.RunRequest(run_key=hashlib.sha256(text.encode()).hexdigest()[:32])

    return look
