"""A faulty contract or suite stops its own dataset with a message, and no other. The jobs and the warehouse are real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from psycopg import Connection

from pipelines.assets.set_aside import set_aside_key
from pipelines.datasets import files_left, read_datasets
from pipelines.definitions import build_definitions
from pipelines.load import prepare
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import PROJECT_ROOT, Settings
from pipelines.warehouse.connection import connect
from tests.support.contracts import column, document, upload, write
from tests.support.dbt_folder import DbtFolder

COLUMNS = [column("id", "integer", primaryKey=True), column("nama")]
CSV = {"format": "csv", "pattern": "*.csv"}


class Project:
    """A project with one good upload dataset, `dagang/pasar`. Tests add faulty ones."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.folder = folder
        self.settings = Settings(home=folder / "home", project=folder, warehouse_url=self.url)
        self.models = DbtFolder(folder / "dbt_like_sql")
        self.models.write("seeds/ref_warna.csv", "kode\nmerah\n")
        self.models.write("seeds/seeds.yml", "seeds:\n  - name: ref_warna\n    description: Warna.\n")
        self.connection: Connection[Any] = connect(self.url)
        self.connection.execute("drop schema if exists ops, raw, quarantine, landing cascade")
        self.add("dagang/pasar")
        self.put("dagang/pasar/pasar.csv")

    def add(self, key: str, **more: Any) -> Path:
        return write(
            self.folder / "contracts", document(key, COLUMNS, upload(key, "csv"), extract=CSV) | more
        )

    def put(self, place: str) -> None:
        path = self.folder / "home" / "unggahan" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("id,nama\n1,Pasar Pagi\n")

    def run(self, job: str) -> dg.ExecuteInProcessResult:
        """The night's job as Dagster runs it."""
        datasets = read_datasets(self.settings)
        prepare.prepare(self.connection, datasets.contracts, set_aside=[s.key for s in datasets.set_aside])
        defs = build_definitions(self.settings, warehouse=Warehouse(url=self.url))
        dg.Definitions.validate_loadable(defs)
        with dg.DagsterInstance.ephemeral() as instance:
            result = defs.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False)
            shown = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        # What a step stores before it fails is in the log that Dagster shows, and not among the result's events.
        events = [entry.dagster_event for entry in shown if entry.dagster_event]
        self.evaluations = [event.asset_check_evaluation_data for event in events]
        return result

    def rows(self) -> list[tuple[Any, ...]]:
        return self.connection.execute("select id, nama from raw.dagang__pasar").fetchall()


@pytest.fixture
def project(module_warehouse_url: str, tmp_path: Path) -> Iterator[Project]:
    made = Project(module_warehouse_url, tmp_path)
    yield made
    made.connection.close()


def failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """The error texts of the failed steps, by step."""
    return {
        str(event.step_key): str(event.step_failure_data.user_failure_data.description)
        for event in result.all_events
        if event.is_step_failure and event.step_failure_data.user_failure_data
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("harga", "apiVersion: v3.2.0\nkind: [DataContract\n"),
        ("harga", "id: dagang/harga\n"),
        ("Harga Pangan & lain-lain", "a: b\n"),
        ("h" * 120, "a: b\n"),
    ],
)
def test_a_faulty_contract_fails_the_run_and_the_others_are_loaded(
    project: Project, name: str, text: str
) -> None:
    path = project.folder / "contracts" / "dagang" / f"{name}.odcs.yaml"
    path.write_text(text)
    (faulty,) = read_datasets(project.settings).set_aside
    result = project.run("ingest")
    assert project.rows() == [(1, "Pasar Pagi")]
    assert not result.success
    (message,) = failures(result).values()
    assert message.startswith(
        f"dagang/{name}: disisihkan, kontrak atau suite-nya salah: contracts/dagang/{name}.odcs.yaml:"
    )
    (check,) = [c for c in project.evaluations if c.asset_key == set_aside_key(faulty)]
    assert not check.passed and "kontrak atau suite-nya salah" in (check.description or "")


def test_a_faulty_suite_fails_the_run_and_the_others_are_loaded(project: Project) -> None:
    project.add("dagang/harga")
    suite = project.settings.expectations_dir / "dagang" / "harga.json"
    suite.parent.mkdir(parents=True)
    suite.write_text('{"expectations": [')
    result = project.run("ingest")
    assert project.rows() == [(1, "Pasar Pagi")]
    (message,) = failures(result).values()
    assert message.startswith(
        "dagang/harga: disisihkan, kontrak atau suite-nya salah: expectations/dagang/harga.json:1: bukan suite Great Expectations"
    )


def test_a_contract_that_becomes_faulty_stays_in_ops_contract(project: Project) -> None:
    path = project.add("dagang/harga")
    project.run("ingest")
    path.write_text("rusak: [")
    project.run("ingest")
    promised = project.connection.execute("select dataset, title from ops.contract order by 1").fetchall()
    assert promised == [("dagang/harga", "Data harga"), ("dagang/pasar", "Data pasar")]


def test_files_of_a_faulty_contract_are_left_with_the_reason(project: Project) -> None:
    project.add("dagang/harga").write_text("rusak: [")
    project.put("dagang/harga/jan.csv")
    project.put("dagang/pasar/pasar.docx")
    left = {f.place: f.reason for f in files_left(project.settings, read_datasets(project.settings))}
    assert left == {
        "dagang/harga/jan.csv": "kontrak dagang/harga salah dan disisihkan; perbaiki dahulu (`gudang validate`)",
        "dagang/pasar/pasar.docx": 'nama tidak cocok dengan pola "*.csv" dari kontrak dagang/pasar; ganti nama'
        " berkas atau polanya",
    }


def test_unreadable_models_fail_their_jobs_and_all_datasets_are_loaded(project: Project) -> None:
    project.models.write("models/marts/rusak.sql", "select {{ ref('tiada') }}")
    result = project.run("ingest")
    assert project.rows() == [(1, "Pasar Pagi")]
    assert list(failures(result)) == ["disisihkan_referensi__tidak_terbaca"]
    for job in ("warehouse", "publication"):
        (message,) = failures(project.run(job)).values()
        assert "tiada" in message


def test_status_lists_the_faulty_dataset_and_files_without_a_contract(
    project: Project,
) -> None:
    project.run("ingest")
    project.add("dagang/harga").write_text("rusak: [")
    project.put("tiada/apa/x.csv")
    (project.folder / "deploy").symlink_to(PROJECT_ROOT / "deploy")
    env = {"GUDANG_HOME": str(project.settings.home), "GUDANG_PROJECT": str(project.folder)}
    env |= {"GUDANG_WAREHOUSE_URL": project.url, "GUDANG_UPLOAD_ZONE": str(project.folder / "home/unggahan")}
    status = gudang(env, "status")
    assert status.returncode == 0
    assert "dagang/harga: disisihkan: contracts/dagang/harga.odcs.yaml:2" in status.stdout
    assert "  tiada/apa/x.csv: tidak ada kontrak tiada/apa" in status.stdout
    listed = gudang(env, "status", "--json")
    rows = {row["dataset"]: row for row in json.loads(listed.stdout)}
    assert {key: row["state"] for key, row in rows.items()} == {
        "dagang/harga": "set aside",
        "dagang/pasar": "loaded",
    }
    assert rows["dagang/harga"]["error"].startswith("contracts/dagang/harga.odcs.yaml:2: bukan YAML yang sah")
    assert "tiada/apa/x.csv" in listed.stderr
    refused = gudang(env, "upload", "dagang/harga", str(project.folder / "home/unggahan/tiada/apa/x.csv"))
    assert refused.returncode == 1 and "contracts/dagang/harga.odcs.yaml:2" in refused.stderr


def gudang(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines.cli.main", *arguments]
    return subprocess.run(
        command, cwd=PROJECT_ROOT, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
