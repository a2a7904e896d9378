"""The province's own contracts, suites and models on an empty warehouse, and an upload zone to put files into."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.contracts.files import load_contracts
from pipelines.extract.upload.files import put_upload
from pipelines.extract.upload.zone import upload_zone
from pipelines.ingest import Ingested, ingest
from pipelines.load import prepare
from pipelines.models.build.runner import build
from pipelines.models.project.project import load_project
from pipelines.redaction.database_urls import libpq_url
from pipelines.settings import PROJECT_ROOT, Settings
from pipelines.warehouse.connection import connect


class Province:
    """A warehouse with the reference data, and an upload zone."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.settings = replace(
            Settings(home=folder, project=PROJECT_ROOT, warehouse_url=self.url),
        )
        self.contracts = {c.key: c for c in load_contracts(PROJECT_ROOT / "contracts")}
        self.project = load_project(PROJECT_ROOT / "dbt_like_sql")
        self.connection = connect(self.url)
        prepare.prepare(self.connection, self.contracts.values())
        self.build("tag:referensi")

    def build(self, *select: str) -> None:
        results = build(self.project, libpq_url(self.url), select=select)
        assert {r.state for r in results} == {"ok"}, [(r.name, r.error) for r in results if r.state != "ok"]

    def load(self, key: str, file: Path) -> Ingested:
        """Loads a file as if the OPD had uploaded it, through the dataset's own contract and suite."""
        put_upload(upload_zone(self.settings), key, file)
        return ingest(self.connection, self.contracts[key], self.settings, self.url, run_id="uji")

    def ask(self, query: str) -> list[Any]:
        return self.connection.execute(query.encode()).fetchall()
