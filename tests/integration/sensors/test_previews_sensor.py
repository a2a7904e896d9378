"""The sensor starts the job `pratinjau_berkas` where the upload page has asked about a file, and the job answers."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from pipelines.extract.upload.files import put_upload
from pipelines.feedback.asked_previews import ask, asked
from pipelines.ingest import ingest
from pipelines.load.ledger import Changes
from pipelines.resources.warehouse import Warehouse
from pipelines.sensors.previews import previews_job, previews_sensor
from tests.support.loket import VISITS, Office

HEADER = "nomor,Jenis Kelamin,tanggal\n"


def test_a_question_starts_the_job_once_and_is_answered(
    warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(warehouse_url, tmp_path)
    monkeypatch.setenv("GUDANG_HOME", str(office.settings.home))
    monkeypatch.setenv("GUDANG_PROJECT", str(tmp_path))
    contract, connection = office.contracts[VISITS], office.loads.connection
    file = tmp_path / "berkas.csv"
    file.write_text(HEADER + "1,L,\n")
    put_upload(office.zone, VISITS, file)
    ingest(connection, contract, office.settings, office.loads.url, run_id="uji")
    file.write_text(HEADER + "1,P,\n2,L,\n")
    number = ask(connection, office.zone, contract, file, "berkas.csv", "rina")
    warehouse = Warehouse(url=office.loads.url)
    with dg.DagsterInstance.ephemeral() as instance:

        def tick() -> dg.RunRequest | dg.SkipReason:
            context = dg.build_sensor_context(instance=instance, resources={"warehouse": warehouse})
            found = previews_sensor()(context)
            assert isinstance(found, dg.RunRequest | dg.SkipReason)
            return found

        first, second = tick(), tick()
        assert isinstance(first, dg.RunRequest) and isinstance(second, dg.RunRequest)
        assert first.run_key == second.run_key
        run = instance.create_run_for_job(previews_job(), status=dg.DagsterRunStatus.STARTED)
        waits = tick()  # a second run would count the same questions
        assert isinstance(waits, dg.SkipReason) and run.run_id[:8] in str(waits.skip_message)
        instance.delete_run(run.run_id)
        assert (
            previews_job().execute_in_process(instance=instance, resources={"warehouse": warehouse}).success
        )
        assert isinstance(tick(), dg.SkipReason)
    question = asked(connection, VISITS, number)
    assert question is not None and question.answer is not None
    assert question.answer.changes == Changes(1, 1, 0, 0)
    assert [path.name for path in (office.zone / VISITS).iterdir()] == ["berkas.csv"]
    connection.close()
