"""A warehouse and an upload zone of several datasets, in which files are loaded and their OPD told."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.contracts.model import Contract
from pipelines.datasets import Datasets
from pipelines.errors import GudangError
from pipelines.extract.upload.files import put_upload
from pipelines.extract.upload.zone import Zone, upload_zone
from pipelines.feedback.send import Sent, send_pending
from pipelines.ingest import ingest
from pipelines.settings import AlertSettings, Settings
from tests.support.contracts import upload
from tests.support.loads import Loads


class ToldOpd:
    """Loads files as an OPD sends them, and tells it of them."""

    def __init__(self, pg_url: str, folder: Path, *, mail_when: str = "never") -> None:
        """mail_when: when a mail is written about a load (`AlertSettings.feedback`)."""
        self.loads = Loads(pg_url, folder, prepared=True)
        self.settings = Settings(home=folder / "home", project=folder, warehouse_url=self.loads.url)
        self.contracts: dict[str, Contract] = {}
        self.alerts = AlertSettings(feedback=mail_when)

    @property
    def zone(self) -> Zone:
        return upload_zone(self.settings)

    def dataset(
        self, key: str, kind: str, *columns: dict[str, Any], mail: Sequence[str] = (), **custom: Any
    ) -> Contract:
        extract = {"format": kind, "pattern": "*", **custom.pop("extract", {})}
        contract = self.loads.contract(
            *columns,
            key=key,
            server=upload(key, kind),
            extract=extract,
            **{"max_quarantine_share": 1, **custom},
        )
        self.contracts[key] = replace(contract, mail=tuple(mail))
        return contract

    def send(self, contract: Contract, file: Path) -> str:
        """Puts the file into the zone and loads it. Gives the state of the load."""
        put_upload(self.zone, contract.key, file)
        return self.load(contract)

    def load(self, contract: Contract) -> str:
        try:
            done = ingest(self.loads.connection, contract, self.settings, self.loads.url, run_id="uji")
        except GudangError:
            return "failed"
        return done.batch.state if done.batch else "none"

    def tell(self, *, failures: int = 0) -> Sent:
        datasets = Datasets(tuple(self.contracts.values()))
        sent = send_pending(self.loads.connection, self.settings, datasets, self.alerts)
        assert len(sent.failures) == failures, sent.failures
        return sent

    def folders(self, opd: str = "uji") -> list[Path]:
        """The folders of the outbox, by name."""
        outbox = Path(str(self.zone)) / opd / "_umpan_balik"
        return sorted(path.parent for path in outbox.rglob("ringkas.json"))

    def states(self) -> list[str]:
        return [row[0] for row in self.loads.run("select state from ops.feedback order by feedback_id")]


def findings_in(folder: Path) -> list[dict[str, str]]:
    with (folder / "temuan.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def summary_in(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "ringkas.json").read_text("utf-8"))
