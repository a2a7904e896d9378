"""Tells the OPD of their loads under the daemon: the job `umpan_balik`, and the sensor that starts it after loads.

Not here: what they are told, and which loads are due (feedback/).
"""

import hashlib
import time

import dagster as dg

from pipelines.datasets import Datasets, read_datasets
from pipelines.errors import GudangError
from pipelines.feedback.files_left import untold_files
from pipelines.feedback.loads import due_loads
from pipelines.feedback.mail import waiting_letters
from pipelines.feedback.send import send_pending
from pipelines.resources.warehouse import Warehouse
from pipelines.runs.launcher import with_lease
from pipelines.settings import Settings, load_alert_settings, load_settings

FEEDBACK = "umpan_balik"
QUIET_S = 5
"""Seconds for which a load must have ended: its checks are noted right after it."""
RETRY_S, RETRY_MAIL_S = 600, 3600
"""Seconds before feedback that failed, and a mail that did not arrive, is tried again."""


@dg.op(
    name="kabari_opd",
    description="Menulis umpan balik ke zona unggah, dan mengirim surelnya, bagi pemuatan yang belum dikabarkan.",
)
def feedback_op(context: dg.OpExecutionContext, warehouse: Warehouse) -> None:
    """Sends all feedback that is due, and logs what became of it."""
    settings = load_settings()
    with warehouse.connect() as connection:
        sent = send_pending(
            connection, settings, read_datasets(settings), load_alert_settings(), quiet=QUIET_S
        )
    for line in (sent.headline, *sent.lines):
        context.log.info(line)
    for line in sent.failures:
        context.log.warning("gagal: %s", line)


def feedback_job() -> dg.JobDefinition:
    """The job `umpan_balik`."""

    @dg.job(
        name=FEEDBACK,
        description="Memberi OPD umpan balik: berkasnya yang ditandai, dan semua temuan, di zona unggah.",
        executor_def=with_lease(dg.in_process_executor),
    )
    def job() -> None:
        feedback_op()

    return job


def feedback_sensor(datasets: Datasets, settings: Settings) -> dg.SensorDefinition:
    """The sensor that starts the job where a load has no feedback yet, or files that no dataset takes have changed.

    The run's key is a hash of what is due, so that the same starts one run; what failed is due again after RETRY_S.
    """

    @dg.sensor(
        name=FEEDBACK,
        job_name=FEEDBACK,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Memberi OPD umpan balik sesudah datanya dimuat, atau bila berkasnya tidak dapat diambil.",
    )
    def look(_context: dg.SensorEvaluationContext, warehouse: Warehouse) -> dg.RunRequest | dg.SkipReason:
        try:
            with warehouse.connect() as connection:
                loads = [
                    str(load.batch_id) for load in due_loads(connection, datasets.contracts, quiet=QUIET_S)
                ]
                letters = waiting_letters(connection, datasets.contracts)
                files = untold_files(connection, settings, datasets)
        except GudangError as error:
            return dg.SkipReason(str(error))
        due = [*loads, *letters, *files]
        if not due:
            return dg.SkipReason("Semua pemuatan sudah dikabarkan.")
        wait = RETRY_S if loads or files else RETRY_MAIL_S
        key = hashlib.sha256("\n".join((*due, str(int(time.time() // wait)))).encode()).hexdigest()[:32]
        return dg.RunRequest(run_key=key)

    return look
