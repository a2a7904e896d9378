"""The province's own contracts, suites and models on an empty warehouse, and an upload zone to put files into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.extract.upload.files import put_upload
from pipelines.extract.upload.zone import upload_zone
from pipelines.ingest import Ingested, ingest
from pipelines.load import prepare
from pipelines.models.build.runner import build
from pipelines.redaction.database_urls import libpq_url
from pipelines.settings import PROJECT_ROOT, Settings
from pipelines.warehouse.connection import connect
from tests.support.repository import own_contracts, own_project


class Province:
    """A warehouse with the reference data, and an upload zone. url: a copy of the template `reference`."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.settings = Settings(home=folder, project=PROJECT_ROOT, warehouse_url=self.url)
        self.contracts = {c.key: c for c in own_contracts()}
        self.project = own_project()
        self.connection = connect(self.url)
        prepare.prepare(self.connection, self.contracts.values())

    def build(self, *select: str) -> None:
        results = build(self.project, libpq_url(self.url), select=select)
        assert {r.state for r in results} == {"ok"}, [(r.name, r.error) for r in results if r.state != "ok"]

    def load(self, key: str, file: Path) -> Ingested:
        """Loads a file as if the OPD had uploaded it, through the dataset's own contract and suite."""
        put_upload(upload_zone(self.settings), key, file)
        return ingest(self.connection, self.contracts[key], self.settings, self.url, run_id="uji")

    def ask(self, query: str) -> list[Any]:
        return self.connection.execute(query.encode()).fetchall()
